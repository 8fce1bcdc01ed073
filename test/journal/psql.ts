import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import pg from 'pg';

/** An operator at his prompt. */
export interface Operator {
  /** Resolves when every statement is done; rejects with what psql says of the one that failed. */
  run(sql: string): Promise<void>;
  close(): Promise<void>;
}

const DONE = '-- done --';

/** A real psql session, or a plain connection where psql is not installed. */
export async function openOperator(url: string): Promise<Operator> {
  const hasPsql = await once(spawn('psql', ['--version'], { stdio: 'ignore' }), 'exit').then(
    ([code]) => code === 0,
    () => false,
  );
  return hasPsql ? openPsql(url) : openConnection(url);
}

function openPsql(url: string): Operator {
  let psql: ChildProcessWithoutNullStreams | undefined;
  const started = () => {
    if (!psql || psql.exitCode !== null)
      psql = spawn('psql', ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', url]);
    return psql;
  };
  return {
    async run(sql) {
      const session = started();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      let complaint = '';
      let answer = '';
      const onAnswer = (chunk: Buffer) => {
        answer += chunk.toString();
        if (answer.includes(DONE)) resolve();
      };
      const onComplaint = (chunk: Buffer) => (complaint += chunk.toString());
      // It ends at the first error.
      const onEnd = (code: number) => reject(new Error(`psql ended with ${code}: ${complaint}`));
      session.stdout.on('data', onAnswer);
      session.stderr.on('data', onComplaint);
      session.once('close', onEnd);
      session.stdin.write(`${sql}\n;\n\\echo ${DONE}\n`);
      try {
        await promise;
      } finally {
        session.stdout.off('data', onAnswer);
        session.stderr.off('data', onComplaint);
        session.off('close', onEnd);
      }
    },
    async close() {
      if (!psql || psql.exitCode !== null) return;
      const ended = once(psql, 'close');
      psql.stdin.end('\\q\n');
      await ended;
    },
  };
}

function openConnection(url: string): Operator {
  const pool = new pg.Pool({ connectionString: url, max: 1, application_name: 'psql' });
  return { run: async (sql) => void (await pool.query(sql)), close: () => pool.end() };
}
