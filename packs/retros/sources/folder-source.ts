import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { Discard } from 'lovage';
import type { Sprint } from '../sprints/sprint.ts';
import type { MetricsSource } from './metrics-source.ts';
import { readCsv } from './read-csv.ts';
import { readRecords, refuseTwins } from './read-records.ts';

const MAX_FILES = 500;
const MAX_BYTES = 10 * 1024 * 1024;

/** Sprints in the JSON and CSV files of a folder; those of another team are left out. */
export function openFolderSource(folder: string): MetricsSource {
  return {
    async fetchSprints({ teamId, signal }) {
      const sprints: Sprint[] = [];
      for (const name of await listFiles(folder)) {
        signal.throwIfAborted();
        sprints.push(...readRecords(await readRows(join(folder, name), name), 'folder', name));
      }
      const ofTeam = sprints.filter(
        ({ data }) => teamId === null || data.team_id === undefined || data.team_id === teamId,
      );
      refuseTwins(ofTeam, 'METRICS_DIR');
      return ofTeam;
    },
  };
}

async function listFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw refuse('METRICS_DIR cannot be read', error);
  });
  const files = names.filter((name) => ['.json', '.csv'].includes(extname(name).toLowerCase())).sort();
  if (files.length > MAX_FILES) throw refuse(`METRICS_DIR holds more than ${MAX_FILES} files`);
  return files;
}

async function readRows(path: string, name: string): Promise<unknown> {
  const { size } = await stat(path);
  if (size > MAX_BYTES) throw refuse(`${name} is larger than ${MAX_BYTES} bytes`);
  const text = await readFile(path, 'utf8');
  if (extname(name).toLowerCase() === '.csv') return readCsv(text, name);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw refuse(`${name} is no JSON`, error);
  }
}

const refuse = (message: string, cause?: unknown) =>
  new Discard(message, { code: 'InvalidSprintRecord', cause });
