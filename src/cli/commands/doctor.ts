import { connect } from '../../db/connect.ts';
import { defineCommand } from '../command.ts';
import type { Finding } from '../doctor/finding.ts';
import { explainUnreachable } from '../doctor/unreachable.ts';
import { examine } from '../examine.ts';
import { flag, JSON_FLAG } from '../options.ts';
import { print } from '../print.ts';
import { printable } from '../printable.ts';
import { withSession } from '../session.ts';

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'Looks at the database and all that surrounds it, with a remedy for each fault',
  options: {
    repair: flag('mend what was changed behind Lovage’s back (lovage.reconcile())'),
    ...JSON_FLAG,
  },
  examples: ['doctor', 'doctor --repair', 'doctor --json | jq ".[] | select(.state == \\"bad\\")"'],
  notes: ['Goes to the database, never to the API. Exit code 1 where something is bad; a note leaves it 0.'],
  run: async ({ repair, json }) => {
    const tell = (findings: readonly Finding[]): number => {
      print({ json }, findings, () => findings.map(line).join('\n'));
      return findings.some(({ state }) => state === 'bad') ? 1 : 0;
    };
    return withSession(
      async ({ settings, database, secret, config, log }) => {
        const { pool } = connect({ url: database.url, log, max: 2 });
        try {
          const findings = await examine(pool, config, { repair, settings, database, secret });
          return tell(findings);
        } finally {
          await pool.end();
        }
        // A diagnosis changes nothing; a repair begins with what every start does.
      },
      { migrates: repair },
    ).catch((error: unknown) => {
      const found = explainUnreachable(error);
      if (!found) throw error;
      return tell([found]);
    });
  },
});

const MARK = { good: '✓', note: '·', bad: '✗' } as const;

const line = ({ state, what, remedy }: Finding): string =>
  `${MARK[state]} ${printable(what)}${remedy ? `\n    → ${printable(remedy)}` : ''}`;
