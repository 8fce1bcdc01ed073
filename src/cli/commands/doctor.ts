import { connect } from '../../db/connect.ts';
import { examine } from '../examine.ts';
import type { Finding } from '../finding.ts';
import { readArguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import { withSession } from '../session.ts';

export const doctor: Command = {
  name: 'doctor',
  summary: 'Checks the database and that every invariant holds',
  usage: 'doctor [--repair] [--json]',
  options: [
    ['--repair', 'mend what was changed behind Lovage’s back (lovage.reconcile())'],
    ['--json', 'print JSON'],
  ],
  examples: ['doctor', 'doctor --repair'],
  async run(args) {
    const { values } = readArguments(args, {
      repair: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    });
    return withSession(
      async ({ database, config, log }) => {
        const { pool } = connect({ url: database.url, log, max: 2 });
        try {
          const findings = await examine(pool, config, { repair: values.repair });
          console.log(values.json ? JSON.stringify(findings, null, 2) : findings.map(line).join('\n'));
          return findings.some((finding) => finding.state === 'bad') ? 1 : 0;
        } finally {
          await pool.end();
        }
        // A diagnosis changes nothing; a repair begins with what every start does.
      },
      { migrates: values.repair },
    );
  },
};

const MARK = { good: '✓', note: '·', bad: '✗' } as const;

const line = ({ state, what, remedy }: Finding): string =>
  `${MARK[state]} ${what}${remedy ? `\n    → ${remedy}` : ''}`;
