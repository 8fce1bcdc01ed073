/** Round steps (1, 2, 2.5 or 5 times a power of ten) from 0 to at least `max`, about `steps` of them. */
export function scaleAxis(max: number, steps: number): number[] {
  if (max <= 0) return [0, 1];
  const rough = max / steps;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5].find((factor) => factor * power >= rough) ?? 10) * power;
  return Array.from({ length: Math.ceil(max / step) + 1 }, (_, index) => index * step);
}
