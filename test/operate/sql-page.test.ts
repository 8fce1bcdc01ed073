import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { STUCK_REMEDIES } from '../../src/cli/doctor/stuck.ts';
import { listGrants, rightsFor } from '../../src/grants/list.ts';
import { openLab, type Lab } from '../lab.ts';
import { inSession, openRole, valueInPsql } from './sql-lab.ts';

const DOCS = new URL('../../docs/', import.meta.url);

let lab: Lab;
let page: string;
/** All pages, which name views and functions too. */
let pages: string;
beforeAll(async () => {
  lab = await openLab();
  page = await readFile(new URL('sql.md', DOCS), 'utf8');
  const names = (await readdir(DOCS)).filter((name) => name.endsWith('.md'));
  pages = (await Promise.all(names.map((name) => readFile(new URL(name, DOCS), 'utf8')))).join('\n');
});
afterAll(() => lab[Symbol.asyncDispose]());

const chapter = (title: string): string => page.split(`## ${title}\n`)[1]?.split('\n## ')[0] ?? '';
const found = (text: string, pattern: RegExp): string[] =>
  [...new Set([...text.matchAll(pattern)].map(([, name = '']) => name))].toSorted();

const functions = () =>
  lab.sql<{ name: string; parameters: string[] | null }>(
    `SELECT proname::text AS name, proargnames AS parameters FROM pg_proc WHERE pronamespace = 'lovage'::regnamespace`,
  );

test('the page tells the columns of every view, in their order, and of no other', async () => {
  const views = await lab.sql<{ name: string; columns: string }>(
    `SELECT c.relname::text AS name, string_agg(a.attname, ', ' ORDER BY a.attnum) AS columns
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
     WHERE c.relnamespace = 'lovage'::regnamespace AND c.relkind = 'v' GROUP BY 1`,
  );
  const told = [
    ...chapter('Views')
      .split('### Columns')[1]!
      .matchAll(/^\| `(v_\w+)` \| (.*) \|$/gm),
  ];
  expect(Object.fromEntries(told.map(([, name, columns]) => [name, columns]))).toEqual(
    Object.fromEntries(views.map(({ name, columns }) => [name, columns])),
  );
  const known = views.map(({ name }) => name).toSorted();
  expect(found(chapter('Views').split('### Columns')[0]!, /`(v_\w+)`/g)).toEqual(known);
  expect(known).toEqual(expect.arrayContaining(found(pages, /\b(v_[a-z_]+)\b/g)));
});

test('the page shows every function that an operator is granted, and no page one that there is not', async () => {
  const existing = await functions();
  const operable = existing.map(({ name }) => name).filter((name) => rightsFor(name) === 'operate');
  expect(found(chapter('Functions').split('```')[1] ?? '', /lovage\.(\w+)\(/g)).toEqual(
    expect.arrayContaining(operable.toSorted()),
  );
  const named = found(pages, /(?:SELECT|FROM|PERFORM) lovage\.([a-z_]+)\(/g);
  expect(existing.map(({ name }) => name)).toEqual(expect.arrayContaining(named));

  for (const [, name, given] of page.matchAll(/lovage\.(\w+)\(([^;]*?)\)/g)) {
    const { parameters } = existing.find((one) => one.name === name) ?? {};
    expect(parameters ?? [], name).toEqual(expect.arrayContaining(found(given ?? '', /(\w+) =>/g)));
  }
});

test('every statement of the page and of the runbook is one that an operator may type', async () => {
  await using operator = await openRole(lab, { name: 'oncall' });
  await lab.sql(listGrants('operate', operator.role).join(' '));
  const text = page + (await readFile(new URL('runbook.md', DOCS), 'utf8'));
  const typed = found(text, /^shop=> (SELECT .*);$/gm);
  const named = found(text, /`(SELECT [^`…]*(?:lovage\.|FROM )[^`…]*)`/g);
  expect(typed.length).toBeGreaterThan(30);
  expect(named.length).toBeGreaterThan(5);
  await inSession(operator.url, async (client) => {
    for (const statement of [...typed, ...named])
      await expect(client.query(`EXPLAIN ${statement}`), statement).resolves.toBeTruthy();
  });
});

test('the page tells the version of the contract', async () => {
  const version = await valueInPsql<number>(lab.url, 'SELECT lovage.contract_version()');
  expect(page).toContain(`\`SELECT lovage.contract_version()\` is ${version}.`);
});

test('what the view says to be stuck, the command line has a remedy for', async () => {
  const told = await valueInPsql(lab.url, `SELECT col_description('lovage.v_stuck'::regclass, 1)`);
  const problems = await lab.sql<{ word: string }>(
    `SELECT m[1] AS word FROM regexp_matches(pg_get_viewdef('lovage.v_stuck'::regclass),
       $$(?:SELECT|THEN|ELSE) '([a-z ]+)'::text(?: AS problem|,| END)$$, 'g') m`,
  );
  const words = Object.keys(STUCK_REMEDIES).toSorted();
  expect(told.split(/, | or /).toSorted()).toEqual(words);
  expect(words).toEqual(expect.arrayContaining(problems.map(({ word }) => word)));
});
