/** `{{c1::answer::hint}}` and where its answer stands in the text. */
export interface Cloze {
  number: number;
  answerStart: number;
  answerEnd: number;
}

/** A mark, or a part of one, that does not belong to the text that is read or heard. */
interface Cut {
  start: number;
  end: number;
}

export interface Clozes {
  clozes: Cloze[];
  /** All marks and hints, in their order: what is left is the sentence. */
  cuts: Cut[];
  /** How many are opened and never closed. */
  unclosed: number;
}

interface Open {
  cloze: Cloze;
  hintStart?: number;
}

/** Finds clozes as Anki does: they may stand inside each other, and what follows a second `::` is a hint. */
export function findClozes(text: string): Clozes {
  const stack: Open[] = [];
  const found: Clozes = { clozes: [], cuts: [], unclosed: 0 };
  for (const { 0: mark, 1: number, index } of text.matchAll(/\{\{c(\d+)::|::|\}\}/gi)) {
    const end = index + mark.length;
    const innermost = stack.at(-1);
    if (number !== undefined) {
      stack.push({ cloze: { number: Number(number), answerStart: end, answerEnd: end } });
      found.cuts.push({ start: index, end });
    } else if (mark === '::' && innermost) {
      innermost.hintStart ??= index;
    } else if (mark === '}}' && innermost) {
      stack.pop();
      innermost.cloze.answerEnd = innermost.hintStart ?? index;
      found.clozes.push(innermost.cloze);
      found.cuts.push({ start: innermost.cloze.answerEnd, end });
    }
  }
  found.cuts.sort((a, b) => a.start - b.start);
  return { ...found, unclosed: stack.length };
}

/** The text without cloze marks and hints. */
export function dropMarks(text: string): string {
  let kept = '';
  let from = 0;
  for (const { start, end } of findClozes(text).cuts) {
    if (start > from) kept += text.slice(from, start);
    from = Math.max(from, end);
  }
  return kept + text.slice(from);
}
