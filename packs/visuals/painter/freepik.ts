import { Discard } from 'lovage';
import { z } from 'zod';
import { callPainter, readReturned, refusePainting } from './call-painter.ts';
import type { Painter } from './painter.ts';

const answer = z.object({
  data: z.array(z.object({ base64: z.base64(), has_nsfw: z.boolean().default(false) })).min(1),
});

/** Freepik's text-to-image: it never sees the photo, so what it paints is somebody else, and `details` says so. */
export function openFreepik({ url, apiKey }: { url: string; apiKey: string }): Painter {
  return {
    async paint({ prompt, signal }) {
      const received = await callPainter({
        service: 'Freepik',
        url: new URL('/v1/ai/text-to-image', url),
        headers: { 'x-freepik-api-key': apiKey },
        body: { prompt, num_images: 1 },
        signal,
      });
      const parsed = answer.safeParse(received);
      if (!parsed.success) throw refusePainting('Freepik', 'sent no image', parsed.error);
      const [image] = parsed.data.data;
      if (image?.has_nsfw !== false) {
        throw new Discard('Freepik marked what it painted as unsafe', { code: 'SafetyRefusal' });
      }
      const after = await readReturned('Freepik', Buffer.from(image.base64, 'base64'));
      return { after, model: 'freepik-text-to-image', confidence: 0, details: { from_photo: false } };
    },
  };
}
