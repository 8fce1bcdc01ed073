import { readFileSync } from 'node:fs';

export interface Instruction {
  name: string;
  rest: string;
}

export interface Stage {
  name: string;
  image: string;
  instructions: Instruction[];
}

/** Its stages, with comments left out and continued lines joined. */
export function readDockerfile(file: URL): Stage[] {
  const stages: Stage[] = [];
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => !line.startsWith('#') && line.trim() !== '')
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n');
  for (const line of lines) {
    const [, name = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
    const from = name === 'FROM' ? /^(\S+)(?: AS (\S+))?$/.exec(rest) : undefined;
    if (from) stages.push({ image: from[1] ?? '', name: from[2] ?? 'final', instructions: [] });
    else stages.at(-1)?.instructions.push({ name, rest });
  }
  return stages;
}

/** What the last instruction of that name says, such as an ENTRYPOINT in its exec form. */
export function valueOf({ instructions }: Stage, name: string): string[] {
  const { rest } = instructions.findLast((each) => each.name === name) ?? {};
  if (rest === undefined) return [];
  const list = rest.slice(rest.indexOf('['));
  return list.startsWith('[') ? (JSON.parse(list) as string[]) : [rest];
}
