import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { chmod, chown, cp, mkdir, readFile } from 'node:fs/promises';
import { basename, delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { readDockerfile, type Stage } from './dockerfile.ts';

const run = promisify(execFile);

export interface Image {
  /** Its last stage's working folder. */
  folder: string;
  final: Stage;
  env: Record<string, string>;
}

/**
 * Follows a Dockerfile without an engine: each stage is a folder, COPY copies what .dockerignore lets through, RUN runs its line by
 * sh, with the Node that runs this and the npm of the machine. What the base image would bring is the machine's own.
 */
export async function buildImage(options: {
  dockerfile: URL;
  context: string;
  into: string;
  args?: Record<string, string>;
  /** The one stage to build, in place of all. */
  target?: string;
}): Promise<Image> {
  const { dockerfile, context, into, args = {} } = options;
  const stages = readDockerfile(dockerfile).filter(({ name }) => (options.target ?? name) === name);
  const env: Record<string, string> = {};
  const rootOf = (name: string) => join(into, name);
  for (const stage of stages) await build(stage);
  const final = stages.at(-1);
  if (!final) throw new Error('it has no stage');
  return { folder: join(rootOf(final.name), 'app'), final, env };

  async function build(stage: Stage): Promise<void> {
    const root = rootOf(stage.name);
    let folder = root;
    const known: Record<string, string> = {};
    for (const { name, rest } of stage.instructions) {
      if (name === 'WORKDIR') await mkdir((folder = join(root, rest)), { recursive: true });
      if (name === 'ARG') {
        const [key = '', byDefault = ''] = rest.split('=');
        known[key] = args[key] ?? byDefault;
      }
      if (name === 'ENV' && stage === stages.at(-1))
        for (const pair of rest.split(' ')) env[pair.split('=')[0] ?? ''] = pair.split('=')[1] ?? '';
      if (name === 'COPY') await copy(rest.split(' '), folder);
      if (name === 'RUN') await runLine(rest, folder, root, known);
    }
  }

  async function copy(words: string[], folder: string): Promise<void> {
    const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length);
    const paths = words.filter((word) => !word.startsWith('--'));
    const to = paths.pop() ?? '.';
    const place = from === undefined ? context : rootOf(from);
    for (const path of paths.flatMap((each) => expand(place, each))) {
      const source = join(place, path);
      const isInto = to.endsWith('/') && /\.\w+$/.test(basename(path)) && path !== '.';
      await cp(source, isInto ? join(folder, to, basename(path)) : join(folder, to), {
        recursive: true,
        verbatimSymlinks: true,
      });
    }
  }
}

const expand = (place: string, path: string): string[] =>
  path.includes('*') ? globSync(path, { cwd: place }) : [path];

async function runLine(
  line: string,
  folder: string,
  root: string,
  args: Record<string, string>,
): Promise<void> {
  // There is no user `node` here, and / is this machine's own.
  const here = line
    .replaceAll(' /data', ` ${join(root, 'data')}`)
    .replaceAll('node:node', `${process.getuid?.()}`);
  await run('sh', ['-ec', here], {
    cwd: folder,
    env: {
      ...process.env,
      PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter),
      ...args,
    },
    maxBuffer: 64 * 1024 * 1024,
  });
}

/** What of a checkout .dockerignore lets through, in a folder of its own. */
export async function makeContext(checkout: URL, folder: string): Promise<void> {
  const rules = (await readFile(new URL('.dockerignore', checkout), 'utf8')).split('\n');
  for (const rule of rules.filter((each) => each.startsWith('!'))) {
    await cp(new URL(rule.slice(1), checkout), join(folder, rule.slice(1)), {
      recursive: true,
      filter: (path) => !/node_modules|\.env|\.log$/.test(path.slice(checkout.pathname.length)),
    });
  }
}

/** Readable for those who may not write: whoever runs what is in it. */
export async function giveTo(folder: string, uid: number): Promise<void> {
  await chmod(folder, 0o755);
  await mkdir(join(folder, 'final/data'), { recursive: true });
  if (process.getuid?.() === 0) await chown(join(folder, 'final/data'), uid, uid);
}
