/** Whether Postgres takes a text as it is: what services and models send may hold NUL or half a surrogate pair. */
export const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed();
