/** Neither control characters, which XML cannot hold, nor those that turn the direction of what follows. */
const UNPRINTABLE =
  /[\p{Cc}\p{Cs}\p{Co}\p{Noncharacter_Code_Point}\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu;

/** One line that can be drawn: spaces collapsed, accents composed. */
export const cleanText = (text: string): string =>
  text.toWellFormed().normalize('NFC').replaceAll(/\s+/g, ' ').replaceAll(UNPRINTABLE, '').trim();
