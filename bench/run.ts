import { HELP, readOptions, type Options } from './arguments.ts';
import type { Bench, Claim, Section } from './bench.ts';
import { describeMachine } from './machine.ts';
import { openPostgresServer } from './measure/postgres-server.ts';
import { showProgress } from './progress.ts';
import { lineOf, summaryTable, writeJson } from './report.ts';
import { backlog } from './sections/backlog.ts';
import { drain } from './sections/drain.ts';
import { enqueue } from './sections/enqueue.ts';
import { idle } from './sections/idle.ts';
import { isolation } from './sections/isolation.ts';
import { latency } from './sections/latency.ts';
import { memory } from './sections/memory.ts';
import { roundTrips } from './sections/round-trips.ts';
import { soak } from './sections/soak.ts';
import { streams } from './sections/streams.ts';
import { start } from './sections/start.ts';
import { systems } from './sections/systems.ts';

const SECTIONS: readonly Section[] = [
  drain,
  latency,
  enqueue,
  isolation,
  roundTrips,
  start,
  idle,
  streams,
  systems,
  memory,
  soak,
  backlog,
];

async function main(): Promise<void> {
  const options = readOptions(
    process.argv.slice(2),
    SECTIONS.map(({ name }) => name),
  );
  if (options.wantsHelp) return console.log(HELP);
  const progress = showProgress(process.stderr);
  const print = (line = '') => {
    progress.clear();
    console.log(line);
  };

  progress.say('starting Postgres');
  await using server = await openPostgresServer();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void server.close().finally(() => process.exit(130)));
  }
  const machine = await describeMachine(server.url, server.kind);
  print('Lovage: what it promises about speed\n');
  for (const [name, value] of Object.entries(machine)) print(`${name.padEnd(12)} ${value}`);
  print(
    `${'rounds'.padEnd(12)} ${options.rounds}${options.isQuick ? ' (the short form: too small to judge by)' : ''}`,
  );

  const bench: Bench = { server, progress, print, rounds: options.rounds, isQuick: options.isQuick };
  const results = await runSections(bench, options);
  const claims = results.flatMap((result) => result.claims);
  print(`\n## Summary\n\n${summaryTable(claims)}`);
  for (const { name, failure } of results) if (failure) print(`✗ ${name} could not be measured`);
  if (options.jsonFile)
    await writeJson(options.jsonFile, { machine, rounds: options.rounds, isQuick: options.isQuick, results });
  // A missed bar is a result; what could not be measured is an error.
  process.exitCode = results.some(({ failure }) => failure) ? 1 : 0;
}

interface Result {
  name: string;
  claims: Claim[];
  failure?: string;
}

async function runSections(bench: Bench, { only }: Options): Promise<Result[]> {
  const results: Result[] = [];
  for (const section of SECTIONS.filter(({ name, isLong }) =>
    only.length === 0 ? !isLong : only.includes(name),
  )) {
    bench.print(`\n## ${section.title}\n`);
    try {
      const claims = await section.run(bench);
      bench.print();
      for (const claim of claims) bench.print(lineOf(claim));
      results.push({ name: section.name, claims });
    } catch (error) {
      const failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
      bench.print(`✗ could not be measured: ${failure}`);
      results.push({ name: section.name, claims: [], failure });
    }
  }
  return results;
}

await main().catch((error: unknown) => {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
