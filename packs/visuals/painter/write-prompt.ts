import type { Procedure } from '../procedures/find.ts';

/** What a painter is asked for. No word of the patient is in it. */
export function writePrompt({ name, change }: Pick<Procedure, 'name' | 'change'>): string {
  return [
    `Edit this portrait to illustrate a typical, moderate result of the procedure "${name}" after full recovery: ${change}.`,
    'Keep the same person, expression, pose, hair, clothes, light and background, and every part of the face that the procedure does not touch.',
    'No scars, swelling, bruises, text or borders. Stay realistic and restrained.',
  ].join(' ');
}
