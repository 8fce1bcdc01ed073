import { fileURLToPath } from 'node:url';
import { cruise, type ICruiseOptions, type ICruiseResult } from 'dependency-cruiser';
import { forbidden, options } from './floor-rules.ts';

/** Fewer than this means that the files were not read, not that the house is small. */
const FEWEST_FILES = 100;

export interface FloorReport {
  files: number;
  violations: string[];
}

/** Reads every import below `roots` and holds it against the floors of `floor-rules.ts`. */
export async function inspectFloors(
  roots: string[],
  baseDir = fileURLToPath(new URL('..', import.meta.url)),
): Promise<FloorReport> {
  const cruising = {
    ...options,
    ruleSet: { forbidden },
    validate: true,
    baseDir,
    tsConfig: undefined,
  } as ICruiseOptions;
  const { output } = await cruise(roots, cruising);
  const { summary, modules } = output as ICruiseResult;
  return {
    files: modules.filter(({ source }) => roots.some((root) => source.startsWith(root))).length,
    violations: summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`),
  };
}

if (import.meta.main) {
  const { files, violations } = await inspectFloors(['src', 'packs']);
  for (const violation of violations) console.error(violation);
  if (files < FEWEST_FILES) console.error(`only ${files} files were read: the inspection is blind`);
  const isSound = violations.length === 0 && files >= FEWEST_FILES;
  console.log(`floors: ${files} files, ${violations.length} imports that go up`);
  process.exitCode = isSound ? 0 : 1;
}
