import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { createBoard } from './board.ts';
import { writePage } from './page.ts';
import { startServer } from './server.ts';
import { openStage } from './stage.ts';
import { playCards } from './systems/cards.ts';
import { playFilings } from './systems/filings.ts';
import { playRetros } from './systems/retros.ts';
import { playVisuals } from './systems/visuals.ts';

const HELP = `npm run demo

Starts Lovage with a Postgres of its own, sends a real task of every kind through HTTP, and leaves what they made
in out/, with an index.html that shows it. Ends by itself, and ends what it started.

  PORT             where it listens. Default: a port that is free
  LOVAGE_DATA_DIR  where Postgres keeps its data. Default: a folder that is gone afterwards
`;

const OUT = fileURLToPath(new URL('../out/', import.meta.url));

async function main(): Promise<void> {
  if (process.argv.some((argument) => ['--help', '-h'].includes(argument))) return console.log(HELP);
  const startedAt = performance.now();
  console.log('Starting Lovage, with a Postgres of its own …');
  await using server = await startServer();
  endWith(server);
  console.log(`Lovage answers at ${server.url}\n`);

  await rm(OUT, { recursive: true, force: true });
  const stage = openStage(server, createBoard(process.stdout), OUT);
  const [cards, retros, visuals, filings] = await Promise.all([
    playCards(stage),
    playRetros(stage),
    playVisuals(stage),
    playFilings(stage),
  ]);
  const seconds = (performance.now() - startedAt) / 1000;
  await writePage(OUT, { cards, retros, visuals, filings, played: stage.played, seconds });
  console.log(`\n${stage.played.length} tasks in ${seconds.toFixed(1)} s. Look at out/index.html`);
}

function endWith(server: AsyncDisposable): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(
      signal,
      () => void Promise.resolve(server[Symbol.asyncDispose]()).finally(() => process.exit(130)),
    );
  }
}

try {
  await main();
} catch (error) {
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
