import { readFile } from 'node:fs/promises';
import { UsageError } from './command.ts';

/** What an option says: `@FILE` is what a file holds, `-` standard input, anything else itself. */
export async function readGiven(given: string, flag: string): Promise<string> {
  if (given === '-') return readStdin();
  return given.startsWith('@') ? readGivenFile(given.slice(1), flag) : given;
}

/** The same of JSON. @throws UsageError naming the flag. */
export async function readJson(given: string, flag: string): Promise<unknown> {
  const json = await readGiven(given, flag);
  try {
    return JSON.parse(json) as unknown;
  } catch (error) {
    throw new UsageError(`${flag} is not JSON: ${(error as Error).message}`);
  }
}

async function readGivenFile(path: string, flag: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${flag}: ${(error as Error).message}`);
  }
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
