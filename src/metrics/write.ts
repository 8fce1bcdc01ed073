import { Registry } from 'prom-client';

export interface Written {
  contentType: string;
  body: string;
}

/** In the format that whoever scrapes likes better: OpenMetrics, where it asks for it, else Prometheus' text. */
export async function writeMetrics(
  registries: readonly Registry[],
  accept: string | undefined,
): Promise<Written> {
  const texts = await Promise.all(registries.map((registry) => registry.metrics()));
  const text = texts.join('\n');
  return wantsOpenMetrics(accept)
    ? { contentType: Registry.OPENMETRICS_CONTENT_TYPE, body: toOpenMetrics(text) }
    : { contentType: Registry.PROMETHEUS_CONTENT_TYPE, body: text };
}

/** Prometheus names both, with weights. */
function wantsOpenMetrics(accept = ''): boolean {
  const weights = accept.split(',').map((entry) => {
    const [type = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    return { type, weight: weight === undefined ? 1 : Number(weight) };
  });
  const best = (wanted: string) =>
    Math.max(0, ...weights.filter(({ type }) => type === wanted).map(({ weight }) => weight || 0));
  return (
    best('application/openmetrics-text') > 0 && best('application/openmetrics-text') >= best('text/plain')
  );
}

/** What differs: a counter's family goes without `_total`, bounds are written as floats, and the end is marked. */
function toOpenMetrics(text: string): string {
  const lines = text
    .split('\n')
    .filter(Boolean)
    .map((line) =>
      /^# (?:HELP|TYPE) \w+_total /.test(line)
        ? line.replace('_total ', ' ')
        : line.replace(/([{,])le="(\d+)"/, '$1le="$2.0"'),
    );
  return `${lines.join('\n')}\n# EOF\n`;
}
