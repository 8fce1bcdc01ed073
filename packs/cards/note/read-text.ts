/** What a person reads of some HTML, and from where in the HTML each of its UTF-16 units comes. */
export interface ReadText {
  text: string;
  starts: number[];
  ends: number[];
}

const SILENT = new Set(['script', 'style', 'title', 'textarea']);
const INLINE = new Set([
  'a',
  'abbr',
  'b',
  'code',
  'em',
  'font',
  'i',
  'mark',
  'small',
  'span',
  'strong',
  'sub',
  'sup',
  'u',
]);

/** Reads HTML: tags that break a line become a space, entities what they stand for. */
export async function readText(html: string): Promise<ReadText> {
  const { Tokenizer } = await import('htmlparser2');
  const read: ReadText = { text: '', starts: [], ends: [] };
  let silent = '';
  const add = (text: string, start: number, end: number) => {
    if (silent) return;
    const isPlain = text.length === end - start;
    for (let at = 0; at < text.length; at++) {
      read.starts.push(isPlain ? start + at : start);
      read.ends.push(isPlain ? start + at + 1 : end);
    }
    read.text += text;
  };
  const meet = (start: number, end: number): string => {
    const tag = html.slice(start, end).toLowerCase();
    if (!INLINE.has(tag)) add(' ', end, end);
    return tag;
  };
  const tokenizer = new Tokenizer(
    { decodeEntities: true },
    {
      ontext: (start, end) => add(html.slice(start, end), start, end),
      ontextentity: (codepoint, end) =>
        add(String.fromCodePoint(codepoint), html.lastIndexOf('&', end - 1), end),
      oncdata: ignore,
      onopentagname: (start, end) => {
        const tag = meet(start, end);
        if (SILENT.has(tag)) silent ||= tag;
      },
      onclosetag: (start, end) => {
        if (html.slice(start, end).toLowerCase() === silent) silent = '';
        meet(start, end);
      },
      onopentagend: ignore,
      onselfclosingtag: ignore,
      onattribname: ignore,
      onattribdata: ignore,
      onattribentity: ignore,
      onattribend: ignore,
      oncomment: ignore,
      ondeclaration: ignore,
      onprocessinginstruction: ignore,
      onend: ignore,
    },
  );
  tokenizer.write(html);
  tokenizer.end();
  return read;
}

/** As it is read aloud: neither tags nor the names of recordings. */
export async function speakable(html: string): Promise<string> {
  const { text } = await readText(html);
  return text
    .replaceAll(/\[sound:[^\]]*\]/g, ' ')
    .replaceAll(/[\s\u00a0]+/g, ' ')
    .trim();
}

function ignore(): void {}
