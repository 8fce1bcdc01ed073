import { readText } from '../note/read-text.ts';

/** As Anki strips a field before it compares or sorts: names of pictures stay, and so do cloze marks and spaces. */
export async function stripHtml(html: string): Promise<string> {
  const bare = html
    .replaceAll(/<img\b[^>]*?\bsrc=["']?([^"'\s>]+)["']?[^>]*>/gi, ' $1 ')
    .replaceAll(/<!--.*?-->|<(style|script)\b.*?<\/\1>|<.*?>/gis, '');
  const { text } = await readText(bare);
  return text.replaceAll('\u00a0', ' ');
}
