import { connect } from '../../db/connect.ts';
import { defineCommand } from '../command.ts';
import type { Finding } from '../doctor/finding.ts';
import { examine } from '../examine.ts';
import { flag, JSON_FLAG } from '../options.ts';
import { print } from '../print.ts';
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
  run: ({ repair, json }) =>
    withSession(
      async ({ settings, database, secret, config, log }) => {
        const { pool } = connect({ url: database.url, log, max: 2 });
        try {
          const findings = await examine(pool, config, { repair, settings, database, secret });
          print({ json }, findings, () => findings.map(line).join('\n'));
          return findings.some((finding) => finding.state === 'bad') ? 1 : 0;
        } finally {
          await pool.end();
        }
        // A diagnosis changes nothing; a repair begins with what every start does.
      },
      { migrates: repair },
    ),
});

const MARK = { good: '✓', note: '·', bad: '✗' } as const;

const line = ({ state, what, remedy }: Finding): string =>
  `${MARK[state]} ${what}${remedy ? `\n    → ${remedy}` : ''}`;
