/** What an element hands down to the text in it. */
export interface Element {
  tag: string;
  hidden: boolean;
  bold: boolean;
  italic: boolean;
  underlined: boolean;
  preformatted: boolean;
  /** Positions in the stack of the cell and row this is in, within the nearest table; -1 for none. */
  cell: number;
  row: number;
}

const dropped = new Set(['script', 'style', 'title', 'template', 'textarea', 'ix:header', 'ix:hidden']);
const bolds = new Set(['b', 'strong', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'th']);
const italics = new Set(['i', 'em']);
const root: Element = {
  tag: '',
  hidden: false,
  bold: false,
  italic: false,
  underlined: false,
  preformatted: false,
  cell: -1,
  row: -1,
};

/** The open elements. Every step is constant or paid for by what it pops: markup can nest and dangle as it likes. */
export class OpenElements {
  readonly #stack: Element[] = [root];
  readonly #open = new Map<string, number>();

  get current(): Element {
    return this.#stack.at(-1) ?? root;
  }

  push(tag: string, style: string): void {
    const parent = this.current;
    const depth = this.#stack.length;
    const inTable = tag !== 'table';
    this.#stack.push({
      tag,
      hidden: parent.hidden || dropped.has(tag) || /display\s*:\s*none|visibility\s*:\s*hidden/.test(style),
      bold: fromStyle(style, /font-weight\s*:\s*(\w+)/, /bold|[6-9]00/) ?? (bolds.has(tag) || parent.bold),
      italic:
        fromStyle(style, /font-style\s*:\s*(\w+)/, /italic|oblique/) ?? (italics.has(tag) || parent.italic),
      underlined:
        tag === 'u' ||
        /text-decoration[a-z-]*\s*:\s*underline/.test(style) ||
        (tag !== 'a' && parent.underlined),
      preformatted: parent.preformatted || tag === 'pre',
      cell: tag === 'td' || tag === 'th' ? depth : inTable && tag !== 'tr' ? parent.cell : -1,
      row: tag === 'tr' ? depth : inTable ? parent.row : -1,
    });
    this.#open.set(tag, (this.#open.get(tag) ?? 0) + 1);
  }

  /** Closes the nearest such element and all within it; a stray end tag closes nothing. */
  pop(tag: string, closed: (element: Element) => void): void {
    if (!this.#open.get(tag)) return;
    let last = '';
    while (last !== tag) last = this.#popOne(closed);
  }

  /** A new row or cell ends the one before it, whether or not its end tag was written. */
  endSiblings(tag: string, closed: (element: Element) => void): void {
    const { row, cell } = this.current;
    const until = tag === 'tr' ? row : tag === 'td' || tag === 'th' ? cell : -1;
    if (until > 0) while (this.#stack.length > until) this.#popOne(closed);
  }

  #popOne(closed: (element: Element) => void): string {
    const element = this.#stack.pop() ?? root;
    this.#open.set(element.tag, (this.#open.get(element.tag) ?? 1) - 1);
    closed(element);
    return element.tag;
  }
}

function fromStyle(style: string, property: RegExp, on: RegExp): boolean | null {
  const value = property.exec(style)?.[1];
  return value === undefined ? null : on.test(value);
}
