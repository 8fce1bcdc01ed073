import { readEnvironment, type Environment } from '../environment.ts';
import { compose } from './compose/compose.ts';
import { openFreepik } from './freepik.ts';
import { openGemini } from './gemini.ts';
import type { Painter } from './painter.ts';

/** Gemini where it has a key, then Freepik, else none: the preview is composed. */
export function choosePainter(env: Environment = readEnvironment()): Painter {
  const geminiKey = env.GEMINI_API_KEY ?? env.NANO_BANANA_API_KEY;
  if (geminiKey !== undefined) return openGemini({ url: env.GEMINI_URL, apiKey: geminiKey });
  if (env.FREEPIK_API_KEY !== undefined) {
    return openFreepik({ url: env.FREEPIK_URL, apiKey: env.FREEPIK_API_KEY });
  }
  return compose;
}
