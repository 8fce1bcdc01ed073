import { accessSync, constants } from 'node:fs';
import { z } from 'zod';

/** Of a variable: where Postgres is, and as whom. Its faults are told without any part of it. */
export const postgresUrl = z
  .string()
  .regex(/^postgres(ql)?:\/\//, { error: 'must begin with postgres://', abort: true })
  .refine(isUrl, {
    error:
      'is no URL such as postgres://user:password@host:5432/database; write special characters of the password as %XX',
    abort: true,
  })
  .refine(
    namesReadableFiles,
    'names an sslrootcert, sslcert or sslkey that is no file, or that this user may not read',
  );

function isUrl(text: string): boolean {
  try {
    const { username, password } = new URL(text);
    return [username, password].map(decodeURIComponent).length > 0;
  } catch {
    return false;
  }
}

/** Else it is the driver that finds out, with a path and the name of no variable. */
function namesReadableFiles(text: string): boolean {
  const { searchParams } = new URL(text);
  try {
    for (const name of ['sslrootcert', 'sslcert', 'sslkey'])
      if (searchParams.get(name)) accessSync(searchParams.get(name) ?? '', constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
