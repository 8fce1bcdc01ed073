import { expect, test } from 'vitest';
import { openLab } from '../lab.ts';

test('an input is compressed by lz4 where the server has it, and else not at all', async () => {
  await using lab = await openLab();
  const [column] = await lab.sql(
    `SELECT attcompression AS by, attstorage AS storage FROM pg_attribute WHERE attrelid = 'lovage.task'::regclass AND attname = 'input'`,
  );
  const [{ lz4 } = { lz4: false }] = await lab.sql<{ lz4: boolean }>(
    `SELECT 'lz4' = ANY (enumvals) AS lz4 FROM pg_settings WHERE name = 'default_toast_compression'`,
  );
  expect(column).toEqual(lz4 ? { by: 'l', storage: 'x' } : { by: '', storage: 'e' });
});
