/** The entries of a word list: separated by white space, or by | where an entry has several words. */
export function readTerms(list: string): string[] {
  const terms = list.includes('|') ? list.split('|') : list.split(/\s+/);
  return terms.map((term) => term.trim().replace(/\s+/g, ' ')).filter((term) => term !== '');
}
