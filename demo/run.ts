import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { firstSignal } from '../src/cli/signals.ts';
import { createBoard } from './board.ts';
import { writePage } from './page.ts';
import { startServer, type DemoServer } from './server.ts';
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

const INTERRUPTED_EXIT_CODE = 130;
const OUT = fileURLToPath(new URL('../out/', import.meta.url));

async function main(): Promise<void> {
  if (process.argv.some((argument) => ['--help', '-h'].includes(argument))) return console.log(HELP);
  const interrupted = firstSignal();
  await using server = startServer();
  const outcome = await Promise.race([play(server), interrupted, server.gone]);
  if (outcome === undefined) return;
  console.log('\nStopping what was started');
  process.exitCode = INTERRUPTED_EXIT_CODE;
}

async function play(server: DemoServer): Promise<void> {
  const startedAt = performance.now();
  console.log('Starting Lovage, with a Postgres of its own …');
  const url = await server.whenReady();
  console.log(`Lovage answers at ${url}\n`);

  await rm(OUT, { recursive: true, force: true });
  const stage = openStage({ url, key: server.key }, createBoard(process.stdout), OUT);
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

try {
  await main();
} catch (error) {
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
// What still follows its tasks would otherwise look for a server that is gone.
process.exit();
