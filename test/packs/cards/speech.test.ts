import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Discard } from 'lovage';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { readEnvironment } from '../../../packs/cards/environment.ts';
import { mayPass } from '../../../packs/cards/retry.ts';
import { chooseVoice } from '../../../packs/cards/speech/choose-voice.ts';
import { installFakeEspeak, type FakeEspeak } from './fake-espeak.ts';
import { openFakeGoogle, type FakeGoogle } from './fake-google.ts';

let google: FakeGoogle;
let espeak: FakeEspeak;
/** Where temporary files go, of this test alone. */
let folder: string;
beforeAll(async () => {
  google = await openFakeGoogle();
  espeak = await installFakeEspeak();
  folder = await mkdtemp(join(tmpdir(), 'lovage-speech-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  google.interfere(undefined);
});
afterAll(async () => {
  await google[Symbol.asyncDispose]();
  await espeak[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const never = new AbortController().signal;

function say(text: string, variables: Record<string, string>, signal = never) {
  vi.stubEnv('TMPDIR', folder);
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  return chooseVoice(readEnvironment())(text, signal);
}

/** The error, with whether another attempt is worth while. */
async function failure(text: string, variables: Record<string, string>) {
  const error = await say(text, variables).then(
    () => undefined,
    (thrown: unknown) => thrown as Error & { code: string },
  );
  return {
    code: error?.code,
    message: error?.message ?? '',
    isRetried: !(error instanceof Discard) && mayPass(error),
  };
}

const leftBehind = () => readdirSync(folder);

test('with a key Google speaks, as MP3', async () => {
  const recording = await say('“Crème brûlée” & co', google.env);
  expect(recording).toMatchObject({ mime: 'audio/mpeg', extension: 'mp3' });
  expect(recording?.bytes[0]).toBe(0xff);
  expect(google.spoken).toEqual(['“Crème brûlée” & co']);
});

test.each<[string, { status?: number; type?: string; body: string }, boolean]>([
  ['a wrong key', { status: 403, body: '{"error":{"message":"API key not valid"}}' }, false],
  ['a text that it refuses', { status: 400, body: '{}' }, false],
  ['too many requests', { status: 429, body: '{}' }, true],
  ['an error of its own', { status: 503, body: 'sorry' }, true],
  ['a page in place of JSON', { type: 'text/html', body: '<h1>Hello</h1>' }, false],
  ['no audio', { body: '{"audioContent":""}' }, false],
  ['no base64', { body: '{"audioContent":"***"}' }, false],
  [
    'a picture for a sound',
    { body: JSON.stringify({ audioContent: Buffer.from('GIF89a..').toString('base64') }) },
    false,
  ],
])('Google answers %s: TtsError, tried again only where that can help', async (_what, answer, isRetried) => {
  google.interfere(() => answer);
  const error = await failure('word', google.env);
  expect(error).toMatchObject({ code: 'TtsError', isRetried });
  expect(error.message).not.toContain(google.env['GCP_TTS_API_KEY']);
});

test('without a key espeak-ng speaks where it is installed, and leaves no file behind', async () => {
  const recording = await say('-v is no option here', espeak.env);
  expect(recording).toMatchObject({ mime: 'audio/wav', extension: 'wav' });
  expect(Buffer.from(recording?.bytes ?? []).toString('latin1')).toContain('-v is no option here');
  expect(leftBehind()).toEqual([]);
});

test('where espeak-ng is not installed there is no recording and no error', async () => {
  expect(await say('word', { PATH: '/nowhere', GCP_TTS_API_KEY: '' })).toBeNull();
  expect(leftBehind()).toEqual([]);
});

test.each([
  ['unspeakable', 'no such phoneme'],
  ['unrecorded', 'ended with 0 and no recording'],
])('espeak-ng that fails at "%s" is TtsError with its words', async (text, words) => {
  expect(await failure(text, espeak.env)).toMatchObject({
    code: 'TtsError',
    message: expect.stringContaining(words),
    isRetried: false,
  });
});

test('a voice that is told to stop ends with the reason it was given', async () => {
  const reason = new Error('stop now');
  await expect(say('word', espeak.env, AbortSignal.abort(reason))).rejects.toBe(reason);
  await expect(say('word', google.env, AbortSignal.abort(reason))).rejects.toBe(reason);
});

test('a variable that makes no sense is a fault of the set-up', () => {
  vi.stubEnv('ANKI_CONNECT_URL', 'localhost:8765');
  expect(() => readEnvironment()).toThrow(/must be an http\(s\) URL/);
});
