import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { isPublicAddress } from '../../src/egress/address.ts';
import { createAllowList } from '../../src/egress/allow-list.ts';
import { faultOfUrl } from '../../src/egress/check-url.ts';
import { createEgress, type EgressOptions } from '../../src/egress/egress.ts';
import { post } from '../../src/egress/post.ts';
import { askServers } from '../../src/egress/resolve.ts';
import { readSettings } from '../../src/settings/settings.ts';
import { openReceiver } from './receiver.ts';

const NOWHERE = createAllowList([]);
const call = (url: string, options: EgressOptions = {}, signal = new AbortController().signal) =>
  post(createEgress(options), { url, headers: {}, body: '{}', signal });

const NOT_PUBLIC = [
  // This machine, its networks, and a carrier's
  '127.0.0.1', '127.255.255.254', '0.0.0.0', '0.1.2.3', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.0.1',
  '169.254.0.1', '100.64.0.1', '100.127.255.255', '::', '::1', 'fc00::1', 'fdff::1', 'fe80::1', 'fec0::1',
  // Metadata of clouds
  '169.254.169.254', '100.100.100.200', '168.63.129.16', '192.0.0.192', 'fd00:ec2::254', 'fe80::a9fe:a9fe',
  // To many, to all, for documents and benchmarks, reserved
  '224.0.0.1', '239.255.255.255', '255.255.255.255', '192.0.2.1', '198.51.100.1', '203.0.113.1', '198.18.0.1', '198.19.255.255',
  '192.88.99.1', '240.0.0.1', 'ff02::1', '2001:db8::1', '3fff::1', '2001:2::1', '100::1', '5f00::1', '4000::1',
  // IPv4 in IPv6: mapped, compatible, translated, 6to4, Teredo, ISATAP
  '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:a9fe:a9fe', '0:0:0:0:0:ffff:a00:1', '::127.0.0.1', '::7f00:1', '::ffff:0:127.0.0.1',
  '::ffff:8.8.8.8', '64:ff9b::7f00:1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::a00:1', '2002:7f00:1::', '2002:a9fe:a9fe::1',
  '2001:0:4136:e378:8000:63bf:3fff:fdd2', 'fe80::5efe:10.0.0.1',
  // None at all
  '', 'localhost', '127.1.example', 'fe80::1%eth0',
]; // prettier-ignore

test.each(NOT_PUBLIC)('%s is not public', (address) => expect(isPublicAddress(address)).toBe(false));
test.each([
  '8.8.8.8',
  '1.1.1.1',
  '172.32.0.1',
  '100.128.0.1',
  '2606:4700:4700::1111',
  '2a00:1450:4001::200e',
])('%s is public', (address) => expect(isPublicAddress(address)).toBe(true));

const LOOPBACK_IN_DISGUISE = [
  '127.0.0.1', '2130706433', '0x7f000001', '0x7f.0.0.1', '0177.0.0.1', '017700000001', '127.1', '127.0.1', '0', '①②⑦.⓪.⓪.①',
  '127.0.0.1.', '[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::]', 'localhost', 'LOCALHOST.', 'a.localhost', '%31%32%37.0.0.1',
  '[::127.0.0.1]', '[64:ff9b::127.0.0.1]', '[2002:7f00:1::]', 'metadata.google.internal',
]; // prettier-ignore

test.each(LOOPBACK_IN_DISGUISE)('https://%s/ is refused before any look-up', async (host) => {
  expect(faultOfUrl(`https://${host}/`, NOWHERE)).toBe('must lead to a public address');
  await expect(call(`https://${host}/`)).rejects.toMatchObject({ code: 'address_refused' });
});

test.each([
  ['http://example.com/', 'must be an https URL'],
  ['ftp://example.com/', 'must be an https URL'],
  ['file:///etc/passwd', 'must be an https URL'],
  ['gopher://example.com/', 'must be an https URL'],
  ['//example.com/', 'must be an https URL'],
  ['https://', 'must be an https URL'],
  ['https://[fe80::1%25eth0]/', 'must be an https URL'],
  ['https://a:b@example.com/', 'must hold no credentials'],
  ['https://a@example.com/', 'must hold no credentials'],
  ['https://example.com:22/', 'must name port 443, or one above 1023'],
  [`https://example.com/${'a'.repeat(2_000)}`, 'must be at most 2000 characters'],
])('%s %s', (url, fault) => expect(faultOfUrl(url, NOWHERE)).toBe(fault));

test('what leads to the internet is taken', () => {
  for (const url of [
    'https://example.com/hook?x=1',
    'https://example.com:8443/',
    'https://8.8.8.8/',
    'https://[2606:4700::1111]/',
  ])
    expect(faultOfUrl(url, NOWHERE)).toBeUndefined();
});

test('a name that leads to one address that is not public is not called, whatever its others are', async () => {
  await using receiver = await openReceiver();
  for (const address of NOT_PUBLIC.filter((one) => one.includes('.') || one.includes(':'))) {
    const resolve = async () => ['8.8.8.8', address];
    const refused = call(`https://hooks.example:${receiver.port}/`, { resolve });
    await expect(refused, address).rejects.toMatchObject({
      code: 'address_refused',
      message: 'the URL is not called: its host has an address that is not public',
    });
  }
  expect(receiver.received).toEqual([]);
});

test('what an operator allows is called, also by http and on any port, and nothing else is', async () => {
  await using receiver = await openReceiver();
  const { port } = receiver;
  const allow = ['127.0.0.1/32', 'inside.example'];
  const resolve = async (host: string) => (host === 'local.example' ? ['127.0.0.1'] : ['127.0.0.2']);
  expect(await call(`http://127.0.0.1:${port}/literal`, { allow })).toMatchObject({ status: 204 });
  expect(await call(`http://local.example:${port}/named`, { allow, resolve })).toMatchObject({ status: 204 });
  expect(receiver.on('/named')[0]?.headers.host).toBe(`local.example:${port}`);
  for (const url of [
    `http://127.0.0.2:${port}/`,
    `http://other.example:${port}/`,
    `http://[::ffff:127.0.0.1]:${port}/`,
  ])
    await expect(call(url, { allow, resolve })).rejects.toMatchObject({ code: 'address_refused' });
  const open = async () => ['8.8.8.8'];
  await expect(call('http://open.example/', { allow, resolve: open })).rejects.toMatchObject({
    code: 'address_refused',
  });
  await expect(call('https://open.example:25/', { allow, resolve: open })).rejects.toMatchObject({
    code: 'address_refused',
  });
  expect(receiver.received).toHaveLength(2);
  expect(faultOfUrl('http://inside.example/', createAllowList(allow))).toBeUndefined();
});

test('LOVAGE_WEBHOOK_ALLOW takes hosts, addresses and networks, and nothing else', () => {
  const LOVAGE_WEBHOOK_ALLOW = 'hooks.corp, 10.0.0.0/8,::1';
  expect(readSettings({ LOVAGE_WEBHOOK_ALLOW }).webhookAllow).toEqual(['hooks.corp', '10.0.0.0/8', '::1']);
  expect(readSettings({}).webhookAllow).toEqual([]);
  for (const faulty of ['*', 'http://hooks.corp', '10.0.0.0/33', '10.0.0', '127.1', 'a b', '0x7f.1'])
    expect(() => readSettings({ LOVAGE_WEBHOOK_ALLOW: faulty })).toThrow(
      'LOVAGE_WEBHOOK_ALLOW: must be hosts',
    );
});

/** A name server whose answers change from one question to the next, as one that rebinds names. */
async function openNameServer(answers: readonly string[]) {
  const asked: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (question, from) => {
    const end = question.indexOf(0, 12) + 5;
    const isV4 = question.readUInt16BE(end - 4) === 1;
    const name = question.subarray(12, end).toString('latin1');
    const address = isV4 ? (answers[asked.length] ?? answers.at(-1) ?? '') : undefined;
    if (address) asked.push(name);
    const header = Buffer.from(question.subarray(0, 12));
    header.writeUInt16BE(0x8180, 2);
    header.writeUInt16BE(address ? 1 : 0, 6);
    header.fill(0, 8, 12);
    const answer = address
      ? Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split('.').map(Number)])
      : Buffer.alloc(0);
    socket.send(Buffer.concat([header, question.subarray(12, end), answer]), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const resolver = new Resolver({ timeout: 1_000, tries: 1 });
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);
  return {
    asked,
    resolve: (host: string) => askServers(resolver, host),
    [Symbol.dispose]: () => void socket.close(),
  };
}

test('a name that is rebound after its look-up still leads to what was checked, and is looked up once', async () => {
  await using first = await openReceiver();
  await using second = await openReceiver();
  // Both are this machine; the second address is the one that must not be reached.
  using dns = await openNameServer(['127.0.0.1', '127.0.0.9', '127.0.0.9']);
  const options = { allow: ['127.0.0.1/32'], resolve: dns.resolve };
  expect(await call(`http://rebinds.example:${first.port}/a`, options)).toMatchObject({ status: 204 });
  expect(dns.asked).toHaveLength(1);
  await expect(call(`http://rebinds.example:${first.port}/b`, options)).rejects.toMatchObject({
    code: 'address_refused',
  });
  expect(first.received.map(({ path }) => path)).toEqual(['/a']);
  expect(second.received).toEqual([]);
});

test('a redirect to the inside is an answer like any other, and not followed', async () => {
  await using receiver = await openReceiver();
  for (const status of [301, 302, 303, 307, 308]) {
    const location = `${receiver.url}/inside`;
    receiver.answers.set(`/${status}`, (response) => void response.writeHead(status, { location }).end());
    expect(await call(`${receiver.url}/${status}`, { allow: ['127.0.0.1'] })).toMatchObject({ status });
  }
  expect(receiver.on('/inside')).toEqual([]);
});

test('whoever does not answer, answers nonsense or hangs up is told apart, within the time', async () => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  const rude = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  const nonsense = createServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n')).listen(0, '127.0.0.1');
  await Promise.all(
    [silent, rude, nonsense].map(async (server) => server.listening || once(server, 'listening')),
  );
  const urlOf = (server: typeof silent) => `http://127.0.0.1:${(server.address() as { port: number }).port}/`;
  const options = { allow: ['127.0.0.1'], timeoutMs: 200 };
  await expect(call(urlOf(silent), options)).rejects.toMatchObject({ code: 'timeout' });
  await expect(call(urlOf(rude), options)).rejects.toMatchObject({
    code: 'connection_failed',
    message: 'no answer: ECONNRESET',
  });
  await expect(call(urlOf(nonsense), options)).rejects.toMatchObject({ code: 'connection_failed' });
  const hangs = () => new Promise<string[]>(() => undefined);
  await expect(call('https://slow.example/', { timeoutMs: 50, resolve: hangs })).rejects.toMatchObject({
    code: 'timeout',
  });
  const unknown = () => Promise.reject(new Error('ENOTFOUND'));
  await expect(call('https://no.example/', { resolve: unknown })).rejects.toMatchObject({
    code: 'host_not_found',
  });
  const stopped = AbortSignal.abort(new Error('told to stop'));
  await expect(call(urlOf(silent), options, stopped)).rejects.toThrow('told to stop');
  for (const server of [silent, rude, nonsense]) server.close();
});
