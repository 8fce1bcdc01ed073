import { expect, test } from 'vitest';
import { startApi } from '../../src/api/server.ts';
import { createAuthenticator } from '../../src/keys/authenticate.ts';
import { readSettings } from '../../src/settings/settings.ts';
import { clientAddress, parseTrustedProxies } from '../../src/settings/trusted-proxies.ts';
import { MAX_BODY_BYTES, openHttpLab, ROOT_KEY } from '../api/http-lab.ts';

test.each<[string, string | undefined, string | undefined, string | undefined, string | undefined]>([
  ['nobody is believed unless said', undefined, '203.0.113.9', '1.2.3.4', '203.0.113.9'],
  ['of one proxy the last entry', '1', '10.0.0.1', '6.6.6.6, 198.51.100.7', '198.51.100.7'],
  ['of two the one before', '2', '10.0.0.1', '6.6.6.6, 198.51.100.7, 10.0.0.2', '198.51.100.7'],
  ['as far as the entries go', '3', '10.0.0.1', '198.51.100.7', '198.51.100.7'],
  ['the socket where the proxy says nothing', '1', '10.0.0.1', undefined, '10.0.0.1'],
  ['the last that is not ours', '10.0.0.0/8', '10.0.0.1', '6.6.6.6, 198.51.100.7, 10.9.9.9', '198.51.100.7'],
  ['a stranger’s header is not believed', '10.0.0.0/8', '203.0.113.9', '1.2.3.4', '203.0.113.9'],
  ['what is no address ends it', '10.0.0.0/8', '10.0.0.1', '1.2.3.4, <script>', '10.0.0.1'],
  ['IPv6, with port and brackets', '::1,fd00::/8', '::1', '[2001:db8::7]:4711', '2001:db8::7'],
  ['IPv4 in IPv6', '127.0.0.1', '::ffff:127.0.0.1', '198.51.100.7:80', '198.51.100.7'],
  ['no socket', undefined, undefined, '1.2.3.4', undefined],
])('where a call came from: %s', (_fact, trusted, socket, forwarded, expected) => {
  const proxies = trusted === undefined ? undefined : parseTrustedProxies(trusted);
  expect(clientAddress(socket, forwarded, proxies)).toBe(expected);
});

test('LOVAGE_TRUST_PROXY is a number or addresses, and nothing else', () => {
  expect(readSettings({ LOVAGE_TRUST_PROXY: '2' }).trustedProxies).toBe(2);
  expect(readSettings({ LOVAGE_TRUST_PROXY: '10.0.0.0/8, ::1' }).trustedProxies).toBeDefined();
  expect(readSettings({}).trustedProxies).toBeUndefined();
  for (const wrong of ['all', '10.0.0.0/33', '10.0.0/8', '-1', '10.0.0.0/8,', 'fd00::/x'])
    expect(() => readSettings({ LOVAGE_TRUST_PROXY: wrong }), wrong).toThrow(/^LOVAGE_TRUST_PROXY: must be/);
});

test('the audit log has the address that a trusted proxy tells, and only its', async () => {
  await using lab = await openHttpLab();
  const api = await startApi({
    lovage: lab.lovage,
    authenticator: createAuthenticator(lab.lovage.pool, ROOT_KEY),
    settings: { host: '127.0.0.1', port: 0, maxBodyBytes: MAX_BODY_BYTES, trustedProxies: 1 },
    version: 'test',
  });
  const headers = { authorization: `Bearer ${ROOT_KEY}`, 'x-forwarded-for': '6.6.6.6, 198.51.100.7' };
  try {
    for (const url of [api.url, lab.api.url])
      await fetch(`${url}/v1/tasks/diag.noop`, { method: 'POST', headers, body: '{}' });
  } finally {
    await api.close(0);
  }
  const rows = await lab.lab.sql('SELECT ip FROM lovage.v_audit ORDER BY id');
  expect(rows).toEqual([{ ip: '198.51.100.7' }, { ip: '127.0.0.1' }]);
});
