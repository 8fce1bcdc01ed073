import { Discard } from 'lovage';
import { z } from 'zod';
import { callService } from '../../services/call-service.ts';
import type { Voice } from './voice.ts';

const GLOBAL_URL = 'https://texttospeech.googleapis.com';
const MAX_BYTES = 8 * 1024 * 1024;

const answer = z.object({ audioContent: z.base64().min(1) });

/** Google Cloud Text-to-Speech. */
export const google =
  ({ key, url = GLOBAL_URL }: { key: string; url?: string }): Voice =>
  async (text, signal) => {
    const sent = await callService({
      service: 'Google Text-to-Speech',
      url: new URL('/v1/text:synthesize', url),
      headers: { 'X-Goog-Api-Key': key },
      body: {
        input: { text },
        voice: { languageCode: 'en-US', name: 'en-US-Wavenet-D' },
        audioConfig: { audioEncoding: 'MP3' },
      },
      signal,
      maxBytes: MAX_BYTES,
      code: 'TtsError',
    });
    const { data } = answer.safeParse(sent);
    const bytes = data && Buffer.from(data.audioContent, 'base64');
    if (!bytes || !isMp3(bytes))
      throw new Discard('Google Text-to-Speech: sent no MP3', { code: 'TtsError' });
    return { bytes, mime: 'audio/mpeg', extension: 'mp3' };
  };

/** A frame of MPEG audio, or the tag before the first one. */
const isMp3 = (bytes: Buffer): boolean =>
  bytes.length > 4 &&
  (bytes.toString('latin1', 0, 3) === 'ID3' || (bytes[0] === 0xff && ((bytes[1] ?? 0) & 0xe0) === 0xe0));
