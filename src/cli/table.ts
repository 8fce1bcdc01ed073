/** Rows as aligned columns, headed by their keys. */
export function table(rows: readonly Record<string, string>[]): string {
  const [first] = rows;
  if (!first) return '(none)';
  const columns = Object.keys(first);
  const lines = [Object.fromEntries(columns.map((name) => [name, name.toUpperCase()])), ...rows];
  const widths = columns.map((name) => Math.max(...lines.map((row) => (row[name] ?? '').length)));
  return lines
    .map((row) =>
      columns
        .map((name, i) => (row[name] ?? '').padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
