import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface FakeEspeak extends AsyncDisposable {
  /** A PATH on which it is the only program. */
  env: { PATH: string };
}

/** A program of espeak-ng's name and options: what it records is different for each text. */
const SPEAKS = `
const { createHash } = require('node:crypto');
const [, , ...options] = process.argv;
if (options.slice(0, 4).join(' ') !== '-v en-us -b 1' || options[6] !== '--stdin') process.exit(64);
const text = require('node:fs').readFileSync(0);
if (text.includes('unspeakable')) {
  console.error('Error: no such phoneme');
  process.exit(1);
}
const sound = Buffer.concat([createHash('sha512').update(text).digest(), text]);
const head = Buffer.from('RIFF....WAVEfmt ');
if (!text.includes('unrecorded')) require('node:fs').writeFileSync(options[5], Buffer.concat([head, sound]));
`;

export async function installFakeEspeak(): Promise<FakeEspeak> {
  const folder = await mkdtemp(join(tmpdir(), 'lovage-espeak-'));
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await writeFile(join(folder, 'speaks.cjs'), SPEAKS);
  const program = join(bin, 'espeak-ng');
  await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" "${folder}/speaks.cjs" "$@"\n`);
  await chmod(program, 0o755);
  return {
    env: { PATH: bin },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
