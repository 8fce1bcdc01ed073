/** The one of the names that was probably meant. */
export function suggest(given: string, names: readonly string[]): string | undefined {
  const near = names
    .map((name) => ({
      name,
      distance: name.startsWith(given) && given.length > 1 ? 1 : distance(given, name),
    }))
    .filter((each) => each.distance <= Math.max(1, Math.floor(each.name.length / 3)));
  return near.toSorted((a, b) => a.distance - b.distance)[0]?.name;
}

/** How many letters have to be changed, added, left out or swapped with their neighbour. */
function distance(a: string, b: string): number {
  let [before, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const isSame = a[i - 1] === b[j - 1];
      const isSwapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + (isSame ? 0 : 1),
        isSwapped ? (before[j - 2] ?? 0) + 1 : Infinity,
      );
    }
    [before, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
