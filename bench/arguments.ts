import { parseArgs } from 'node:util';

export interface Options {
  /** Names of sections; empty means all. */
  only: string[];
  rounds: number;
  isQuick: boolean;
  jsonFile: string | undefined;
  wantsHelp: boolean;
}

export const HELP = `npm run bench -- [options]

Measures what Lovage promises about speed, beside what it is compared with, on one server in one run.

  --only NAMES   sections to run, by comma: drain, latency, enqueue, isolation, round-trips,
                 start, idle, streams, systems, memory, soak, backlog
                 (default: all but memory, soak and backlog, which take minutes)
  --rounds N     how often each side is measured, in turn (default 3, quick 1)
  --quick        a short form with fewer tasks and shorter waits: shows that it works, not how fast it is
  --json FILE    write the machine and the figures to a file too
  --help         this

DATABASE_URL names the server to use (it makes and drops databases of its own there); without it an
embedded Postgres in a temporary folder is used. Progress goes to stderr, the report to stdout. A missed bar
is printed and is no error: the exit code is 0 unless something could not be measured.`;

/** @throws Error naming the option that is wrong. */
export function readOptions(args: string[], sections: readonly string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const only = values.only?.split(',').map((name) => name.trim()) ?? [];
  const unknown = only.find((name) => !sections.includes(name));
  if (unknown !== undefined) {
    throw new Error(`--only: there is no section "${unknown}"; there are ${sections.join(', ')}`);
  }
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) {
    throw new Error(`--rounds must be a whole number from 1 to 100, got "${values.rounds}"`);
  }
  return { only, rounds, isQuick: values.quick, jsonFile: values.json, wantsHelp: values.help };
}
