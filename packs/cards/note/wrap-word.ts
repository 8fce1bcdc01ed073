import { readText, speakable } from './read-text.ts';

const LETTER = String.raw`[\p{L}\p{N}\p{M}]`;
const INFLECTED = '(?:s|es|d|ed|r|er|st|est|ing|ly)';

/**
 * The example with the word as its cloze: wherever it stands as a whole word, in capitals or not, else wherever one of its
 * regular inflections does. Undefined where it is not there.
 */
export async function wrapWord(example: string, word: string): Promise<string | undefined> {
  const sought = await speakable(word);
  if (sought === '') return undefined;
  const read = await readText(example);
  const pattern = sought
    .split(' ')
    .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`).replaceAll(/['’]/g, "['’]"))
    .join(String.raw`[\s\u00a0]+`);
  return wrapAll(example, read, pattern) ?? wrapAll(example, read, `${pattern}${INFLECTED}`);
}

type Read = Awaited<ReturnType<typeof readText>>;

function wrapAll(example: string, { text, starts, ends }: Read, pattern: string): string | undefined {
  const whole = new RegExp(`(?<!${LETTER})${pattern}(?!${LETTER})`, 'giu');
  let wrapped = '';
  let from = 0;
  for (const { 0: match, index } of text.matchAll(whole)) {
    const [start, end] = [starts[index], ends[index + match.length - 1]];
    if (start === undefined || end === undefined) continue;
    const found = example.slice(start, end);
    // A cloze that began inside a tag and ended outside it would tear the page.
    if (found.includes('<')) continue;
    wrapped += `${example.slice(from, start)}{{c1::${found}}}`;
    from = end;
  }
  return from === 0 ? undefined : wrapped + example.slice(from);
}
