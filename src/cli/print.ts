import { printable, toJson } from './printable.ts';

/** The value as the API would answer it, or what people read: a sentence, or what a function puts together. */
export function print({ json }: { json: boolean }, value: unknown, text: string | (() => string)): void {
  console.log(json ? toJson(value, 2) : typeof text === 'string' ? printable(text) : text());
}

/** All pages as one. */
export async function allPages<Item>(
  read: (cursor: string | undefined) => Promise<{ items: Item[]; nextCursor: string | null }>,
): Promise<{ items: Item[]; nextCursor: null }> {
  const items: Item[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await read(cursor);
    items.push(...page.items);
    if (page.nextCursor === null) return { items, nextCursor: null };
    cursor = page.nextCursor;
  }
}
