import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const SUFFIX = /_(?:bucket|sum|count)$/;

/** Every metric that a text names, as the families they belong to. */
export function metricsIn(text: string, known: ReadonlySet<string>): Set<string> {
  const named = text.match(/\b(?:lovage|process)_[a-z0-9_]+\b/g) ?? [];
  return new Set(named.map((name) => (known.has(name) ? name : name.replace(SUFFIX, ''))));
}

export const readProjectFile = (name: string): Promise<string> => readFile(path(name), 'utf8');

export interface Panel {
  title: string;
  type: string;
  datasource: { uid: string };
  gridPos: { x: number; y: number; w: number; h: number };
  targets: { expr: string; refId: string; datasource: { uid: string } }[];
}

export interface Dashboard {
  schemaVersion: number;
  templating: { list: { name: string; type: string }[] };
  panels: Panel[];
}

/** Runs promtool; what it says, and whether it is content. */
export function promtool(args: readonly string[], input?: string): { isContent: boolean; says: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, {
    cwd: path('deploy/prometheus'),
    encoding: 'utf8',
    ...(input !== undefined && { input }),
  });
  return { isContent: status === 0, says: `${stdout}${stderr}`.trim() };
}
