/** What pages and pictures are drawn on: the same layout fills a PDF and a sheet of pixels. Lengths are in points, `y` grows downwards. */
export interface Canvas {
  /** One line; `y` is its baseline. */
  text: (line: string, place: TextStyle & Point) => void;
  rect: (box: Box & { fill?: string; stroke?: string; radius?: number }) => void;
  /** `outline` in the words of an SVG path. */
  path: (outline: string, paint: { fill: string }) => void;
  image: (picture: Picture, box: Box) => void;
}

export interface Point {
  x: number;
  y: number;
}

export interface Box extends Point {
  width: number;
  height: number;
}

export interface TextStyle {
  size: number;
  bold?: boolean;
  color?: string;
  align?: 'start' | 'middle' | 'end';
}

/** A JPEG, made for its place on the page. */
export interface Picture {
  /** A `data:` URI; pdfkit embeds a picture of one URI once. */
  uri: string;
  width: number;
  height: number;
}
