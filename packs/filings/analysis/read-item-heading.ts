import type { Block } from './types.ts';

export interface ItemHeading {
  /** '1A', '1B', '2' …; '1A, other' where an Item 1A is not about risk. */
  item: string;
  /** What the block says after the heading, such as "Not applicable." */
  tail: string;
}

/** "Item 1A." in all its shapes: letters torn apart by markup, "Part I" before it, a bracketed letter, any dash. */
const itemNumber =
  /^(?:table of contents )?(?:part\s?i{1,3}v?\b[\s,.:;|–—-]{0,4})?[“"]?i\s?t\s?e\s?m\s?s?\s?(\d{1,2})(?!\d)\s?(?:\(?\s?([abc])\s?\)?(?=$|[^a-z]|risk|unres|cyber))?([\s.:)–—|-]{0,8})/i;

const titles: Record<string, RegExp> = {
  '1': /^(?:description of )?b\s?usiness/i,
  '1A': /^[“"]?r\s?i\s?s\s?k\s?f\s?a\s?c\s?t\s?o\s?r\s?s?[”"]?/i,
  '1B': /^u\s?nresolved staff comments?/i,
  '1C': /^c\s?ybersecurity/i,
  '2': /^(?:description of )?p\s?ropert(?:y|ies)/i,
  '3': /^l\s?egal proceedings/i,
  '4': /^(?:mine safety disclosures?|submission of matters[^.]*|removed|reserved|\(removed[^)]*\))/i,
};

const maxTitleLength = 120;

/** Tells the heading of an item from a sentence that mentions one ("Item 1A of this report describes …"). */
export function readItemHeading(block: Block): ItemHeading | null {
  const number = itemNumber.exec(block.text.slice(0, 200));
  if (!number) return null;
  const rest = block.text.slice(number[0].length).trim();
  const item = nameItem(`${number[1]}${(number[2] ?? '').toUpperCase()}`, rest);
  const title = titles[item]?.exec(rest)?.[0] ?? null;
  const tail = title === null ? rest : rest.slice(title.length);

  const isTitle = block.emphasized && block.text.length <= maxTitleLength;
  if (rest === '' || isTitle) return { item, tail: trimTail(tail) };
  if (title === null) {
    const isOwnLine = /[.:)–—|-]/.test(number[3] ?? '') && block.text.length <= maxTitleLength;
    return isOwnLine && /^[\p{Lu}([“"]/u.test(rest) ? { item, tail: trimTail(tail) } : null;
  }
  return isHeadingTail(tail, block) ? { item, tail: trimTail(tail) } : null;
}

/** Before 2005 Item 1A was "Executive Officers of the Registrant". */
function nameItem(item: string, rest: string): string {
  const isRiskFactors = /^$|risk|uncertaint|factors|^\W*(?:not? |n\/a|none|omitted|reserved|smaller)/i.test(
    rest,
  );
  return item === '1A' && !isRiskFactors ? '1A, other' : item;
}

/** After the title comes nothing, a stop, a page number or a new sentence; prose goes on in lower case. */
function isHeadingTail(tail: string, block: Block): boolean {
  if (tail === '' || /^\s?[.:;(|–—-]/.test(tail) || /^\s(?:\d|[\p{Lu}“"(])/u.test(tail)) return true;
  const isCrossReference = /\b(?:form|report|this|our|see|above|below)\b/i.test(tail);
  return block.text.length <= 80 && !isCrossReference && !/[.,;]$/.test(tail);
}

/** A page number, "(continued)" or the rest of a longer title ("… and Uncertainties") is not text of the item. */
function trimTail(tail: string): string {
  const text = tail.replace(/^[\s.:;|–—-]+/, '');
  const isTitle = /^(?:[\d\s–-]{1,9}|\(?continued\)?\.?)$/i.test(text) || /^\s\p{Ll}/u.test(tail);
  return isTitle ? '' : text;
}
