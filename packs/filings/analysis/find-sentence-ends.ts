const stop = /[.!?][.!?"”’')\]]*(?=\s|$)/g;
const abbreviation =
  /(?:^|[\s(“"])(?:[A-Z]|[a-z]|e\.g|i\.e|(?:[A-Z]\.)+[A-Z]|inc|corp|co|ltd|llc|no|vs|mr|mrs|ms|dr|jr|st|approx|etc|sec|art)$/i;

/** The positions right after each sentence. "Apple Inc. sells" and "the U.S. market" hold no such position. */
export function findSentenceEnds(text: string): number[] {
  const ends: number[] = [];
  for (const match of text.matchAll(stop)) {
    const end = match.index + match[0].length;
    if (match[0] === '.' && continues(text, match.index, end)) continue;
    ends.push(end);
  }
  return ends;
}

function continues(text: string, dot: number, end: number): boolean {
  const next = /^\s(\p{Ll}|\d)?/u.exec(text.slice(end, end + 3));
  if (next?.[1] && /\p{Ll}/u.test(next[1])) return true;
  const before = text.slice(Math.max(0, dot - 12), dot);
  return abbreviation.test(before) && /^ \S/.test(text.slice(end, end + 2));
}
