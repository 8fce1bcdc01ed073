import type { Fault } from '../errors.ts';
import { toPointer } from './pointer.ts';

const MAX_FAULTS = 20;

/** jsonb stores neither NUL nor lone surrogates, and in a JSON text both can only stand as escapes. */
const SUSPECT = /\\u(?:0000|[dD][89a-fA-F])/;

const MAX_DEPTH = 500;

/** What a JSON text may be guilty of, found in one pass without decoding: a 6 MB body costs a few ms. */
export interface Suspicion {
  text: boolean;
  depth: boolean;
}

export const suspect = (json: string): Suspicion => ({
  text: SUSPECT.test(json),
  depth: json.length > 2 * MAX_DEPTH,
});

/** All that Postgres would refuse in a value, as far as its text gave reason to look. */
export function findUnstorable(value: unknown, suspicion: Suspicion): Fault[] {
  if (suspicion.depth && isTooDeep(value))
    return [{ pointer: '', detail: `nests deeper than ${MAX_DEPTH} levels` }];
  return suspicion.text ? findBadText(value) : [];
}

const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

interface Branch {
  value: object;
  key: string | number | undefined;
  parent: Branch | undefined;
  depth: number;
}

/** A fault for every name and string, at any depth, that jsonb would refuse. */
function findBadText(root: unknown): Fault[] {
  const faults: Fault[] = [];
  const report = (branch: Branch | undefined, key: string | number | undefined, what: string) => {
    const pointer = toPointer(key === undefined ? [] : [...pathTo(branch), key]).toWellFormed();
    faults.push({ pointer, detail: `${what} holds NUL or half a surrogate pair, which cannot be stored` });
  };
  if (typeof root === 'string' && !isStorable(root)) report(undefined, undefined, 'the text');
  for (const branch of branchesOf(root)) {
    for (const [key, value] of childrenOf(branch.value)) {
      if (faults.length >= MAX_FAULTS) return faults;
      if (typeof key === 'string' && !isStorable(key)) report(branch, key, 'the name');
      if (typeof value === 'string' && !isStorable(value)) report(branch, key, 'the text');
    }
  }
  return faults;
}

/** Whether a value nests deeper than what JSON.stringify and Postgres bear without running out of stack. */
function isTooDeep(root: unknown): boolean {
  for (const branch of branchesOf(root)) {
    if (branch.depth > MAX_DEPTH) return true;
  }
  return false;
}

/** Walks without recursion: a body of 100,000 brackets would exhaust the stack. */
function* branchesOf(root: unknown): Generator<Branch> {
  if (!isContainer(root)) return;
  const open: Branch[] = [{ value: root, key: undefined, parent: undefined, depth: 1 }];
  for (let branch = open.pop(); branch !== undefined; branch = open.pop()) {
    yield branch;
    for (const [key, value] of childrenOf(branch.value)) {
      if (isContainer(value)) open.push({ value, key, parent: branch, depth: branch.depth + 1 });
    }
  }
}

const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null;

const childrenOf = (value: object): Iterable<[string | number, unknown]> =>
  Array.isArray(value) ? value.entries() : Object.entries(value);

function pathTo(branch: Branch | undefined): (string | number)[] {
  const path: (string | number)[] = [];
  for (let at = branch; at?.key !== undefined; at = at.parent) path.unshift(at.key);
  return path;
}
