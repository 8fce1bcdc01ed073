/** Anki stores it so: what differs in form only is no other note. */
export const nfc = (text: string): string => text.normalize('NFC').trim();
