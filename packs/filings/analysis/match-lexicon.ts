/** An entry is one or more words; a trailing * on a word stands for any ending. */
interface Entry<Value> {
  words: string[];
  value: Value;
}

export interface Lexicon<Value> {
  /** By the first word, its * included. */
  entries: Map<string, Entry<Value>[]>;
  shortestPrefix: number;
  longestPrefix: number;
}

export interface Match<Value> {
  index: number;
  term: string;
  value: Value;
}

export function compileLexicon<Value>(
  terms: Iterable<readonly [term: string, value: Value]>,
): Lexicon<Value> {
  const entries: Lexicon<Value>['entries'] = new Map();
  for (const [term, value] of terms) {
    const words = term.split(' ');
    const first = words[0] ?? '';
    entries.set(first, [...(entries.get(first) ?? []), { words, value }]);
  }
  const prefixes = [...entries.keys()].filter((key) => key.endsWith('*')).map((key) => key.length - 1);
  return { entries, shortestPrefix: Math.min(...prefixes, 99), longestPrefix: Math.max(...prefixes, 0) };
}

/** Finds the entries in the words; at each place the longest one counts, and no word counts twice. */
export function matchLexicon<Value>(words: string[], lexicon: Lexicon<Value>): Match<Value>[] {
  const matches: Match<Value>[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const entry = longestAt(words, index, lexicon);
    if (!entry) continue;
    const { length } = entry.words;
    matches.push({ index, term: words.slice(index, index + length).join(' '), value: entry.value });
    index += length - 1;
  }
  return matches;
}

function longestAt<Value>(words: string[], index: number, lexicon: Lexicon<Value>): Entry<Value> | null {
  const word = words[index] ?? '';
  let best: Entry<Value> | null = null;
  const consider = (key: string) => {
    for (const entry of lexicon.entries.get(key) ?? []) {
      if (entry.words.length <= (best?.words.length ?? 0)) continue;
      if (entry.words.every((part, offset) => fits(words[index + offset] ?? '', part))) best = entry;
    }
  };
  consider(word);
  const longest = Math.min(word.length, lexicon.longestPrefix);
  for (let length = longest; length >= lexicon.shortestPrefix; length -= 1)
    consider(`${word.slice(0, length)}*`);
  return best;
}

function fits(word: string, part: string): boolean {
  return part.endsWith('*') ? word.startsWith(part.slice(0, -1)) : word === part;
}
