#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { enableCompileCache } from 'node:module';

const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(
    `lovage: needs Node 24 or newer, this is ${process.version}. Install it, or run lovage through npm in a checkout, which brings its own.`,
  );
  process.exit(1);
}
// What the environment sets already wins.
if (existsSync('.env')) process.loadEnvFile('.env');
// Compiled code is kept between starts, which takes a fifth off each.
enableCompileCache();
await import('./quick-imports.js');
// The package's own export decides between src (in a checkout) and dist (published).
const { main } = await import('lovage/cli');
await main(process.argv.slice(2));
