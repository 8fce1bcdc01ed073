const amount =
  /(?:(?:US\s?)?\$|€|\b(?:USD|EUR)\s)\s?(\d[\d,]{0,20}(?:\.\d{1,9})?)(?:\s?(trillion|billion|million|thousand|bn|mm|[mbkt])\b)?|(?<![\d.,$€])(\d[\d,]{0,20}(?:\.\d{1,9})?)\s(trillion|billion|million|thousand)\s(?:U\.S\.\s|US\s)?(?:dollars|euros?)\b/gi;

const factors: Record<string, number> = {
  trillion: 1e12,
  t: 1e12,
  billion: 1e9,
  bn: 1e9,
  b: 1e9,
  million: 1e6,
  mm: 1e6,
  m: 1e6,
  thousand: 1e3,
  k: 1e3,
};

export interface Amount {
  value: number;
  /** As written: "$1.2 billion". */
  text: string;
}

/** The largest sum of money in the text. Euros are taken at par: a risk's order of magnitude is what counts. */
export function findLargestAmount(text: string): Amount | null {
  let largest: Amount | null = null;
  for (const match of text.matchAll(amount)) {
    const digits = (match[1] ?? match[3] ?? '').replaceAll(',', '');
    const value = Number(digits) * (factors[(match[2] ?? match[4] ?? '').toLowerCase()] ?? 1);
    if (value > (largest?.value ?? 0)) largest = { value, text: match[0].trim() };
  }
  return largest;
}
