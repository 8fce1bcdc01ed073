const token = /[\p{L}\p{N}]+(?:[’'][\p{L}]+)*|[.!?;]/gu;

/** Lower-case words in order, hyphens split, "'s" dropped; '.' stands where a sentence or clause ends. */
export function readWords(text: string): string[] {
  const words = text.match(token) ?? [];
  return words.map((word) =>
    /^[.!?;]$/.test(word) ? '.' : word.toLowerCase().replaceAll('’', "'").replace(/'s$/, ''),
  );
}

export function countWords(words: string[]): number {
  return words.reduce((count, word) => (word === '.' ? count : count + 1), 0);
}
