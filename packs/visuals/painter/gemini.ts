import { Discard } from 'lovage';
import { z } from 'zod';
import type { Painter } from './painter.ts';
import { callPainter, readReturned, refusePainting } from './call-painter.ts';
import { shrinkPhoto } from './shrink-photo.ts';

const MODEL = 'gemini-2.5-flash-image';
const SAFETY = /SAFETY|PROHIBITED|BLOCKLIST|RECITATION|SPII/;

const part = z.object({ inlineData: z.object({ mimeType: z.string(), data: z.base64() }).optional() });
const answer = z.object({
  promptFeedback: z.object({ blockReason: z.string().optional() }).optional(),
  candidates: z
    .array(
      z.object({
        content: z.object({ parts: z.array(part).default([]) }).optional(),
        finishReason: z.string().optional(),
      }),
    )
    .default([]),
});

/** Google's image model, by the API of Gemini: it edits the photo itself. */
export function openGemini({ url, apiKey }: { url: string; apiKey: string }): Painter {
  return {
    async paint({ photo, prompt, signal }) {
      const data = (await shrinkPhoto(photo)).toString('base64');
      const parts = [{ text: prompt }, { inlineData: { mimeType: 'image/jpeg', data } }];
      const received = await callPainter({
        service: 'Gemini',
        url: new URL(`/v1beta/models/${MODEL}:generateContent`, url),
        headers: { 'x-goog-api-key': apiKey },
        body: { contents: [{ role: 'user', parts }], generationConfig: { responseModalities: ['IMAGE'] } },
        signal,
      });
      const { mimeType, data: painted } = readImage(received);
      const after = await readReturned('Gemini', Buffer.from(painted, 'base64'), mimeType);
      return { after, model: MODEL, confidence: 0, details: { from_photo: true } };
    },
  };
}

function readImage(received: unknown): { mimeType: string; data: string } {
  const parsed = answer.safeParse(received);
  if (!parsed.success) throw refusePainting('Gemini', 'sent an answer of another shape', parsed.error);
  const { candidates, promptFeedback } = parsed.data;
  const image = candidates
    .flatMap(({ content }) => content?.parts ?? [])
    .find(({ inlineData }) => inlineData);
  if (image?.inlineData) return image.inlineData;
  const reason = promptFeedback?.blockReason ?? candidates[0]?.finishReason ?? 'no reason';
  if (promptFeedback?.blockReason !== undefined || SAFETY.test(reason)) {
    throw new Discard(`Gemini will not paint this (${reason.slice(0, 60)})`, { code: 'SafetyRefusal' });
  }
  throw refusePainting('Gemini', `sent no image (${reason.slice(0, 60)})`);
}
