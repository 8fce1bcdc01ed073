/** What one scrape brought: values by metric and labels. */
export interface Scraped {
  text: string;
  /** The names of its families, as they stand in `# TYPE`. */
  names: Set<string>;
  /** Every series, without its value. */
  series: string[];
  /** The sum of the series that have these labels among theirs; undefined where there is none. */
  value(metric: string, labels?: Record<string, string>): number | undefined;
}

export function readScrape(text: string): Scraped {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const series = lines.map((line) => line.slice(0, line.lastIndexOf(' ')));
  return {
    text,
    names: new Set(Array.from(text.matchAll(/^# TYPE (\S+) /gm), ([, name = '']) => name)),
    series,
    value(metric, labels = {}) {
      const wanted = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
      const found = lines.filter((line) => {
        const [, name, given = ''] = /^([\w:]+)(?:\{(.*)\})? /.exec(line) ?? [];
        return name === metric && wanted.every((label) => given.includes(label));
      });
      if (found.length === 0) return undefined;
      return found.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
    },
  };
}
