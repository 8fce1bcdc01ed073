import type { Stage } from '../stage.ts';

const NOTES = [
  {
    word: 'serendipity',
    partOfSpeech: 'noun',
    guideWord: 'luck',
    englishDefinition: 'the fact of finding something good without looking for it',
    definitionTranslation: 'der glückliche Zufall',
    cefrLevel: 'C2',
    code: 'demo-1',
    englishExample: 'It was {{c1::serendipity}} that brought them to the same bakery.',
    exampleTranslation: 'Ein glücklicher Zufall führte sie in dieselbe Bäckerei.',
  },
  {
    word: 'lovage',
    partOfSpeech: 'noun',
    guideWord: 'plant',
    englishDefinition: 'a tall herb whose leaves taste of celery',
    definitionTranslation: 'der Liebstöckel',
    cefrLevel: 'C1',
    code: 'demo-2',
    englishExample: 'A few leaves of lovage are enough for the whole soup.',
    exampleTranslation: 'Ein paar Blätter Liebstöckel reichen für die ganze Suppe.',
  },
];

export interface CardsShown {
  notes: readonly { word: string; example: string; translation: string }[];
  warnings: string[];
}

/** Two notes, and the deck that Anki imports. */
export async function playCards({ post, follow, keep }: Stage): Promise<CardsShown> {
  const warnings = new Set<string>();
  for (const note of NOTES) {
    const { taskId } = await post<{ taskId: string }>('/cards/api/v1/clozeNotes', note);
    const { result } = await follow(`cards: note for "${note.word}"`, taskId);
    for (const warning of (result as { warnings?: string[] }).warnings ?? []) warnings.add(warning);
  }
  await keep('english-vocabulary.apkg', '/cards/api/v1/decks/English%20Vocabulary.apkg');
  return {
    notes: NOTES.map(({ word, englishExample, exampleTranslation }) => ({
      word,
      example: englishExample,
      translation: exampleTranslation,
    })),
    warnings: [...warnings],
  };
}
