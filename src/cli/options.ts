import { enqueueOptions } from '../api/trpc/fields.ts';
import { wholeNumber } from './arguments.ts';
import { type Candidates, type Flag, UsageError, type Value } from './command.ts';
import { readDuration } from './duration.ts';

export const flag = (help: string, short?: string): Flag => ({
  kind: 'flag',
  help,
  ...(short !== undefined && { short }),
});

export const text = (value: string, help: string, completes?: Candidates): Value<string> => ({
  kind: 'value',
  value,
  help,
  read: (given) => given,
  ...(completes && { completes }),
});

export const whole = (
  value: string,
  help: string,
  [min, max]: [min: number, max: number],
): Value<number> => ({
  kind: 'value',
  value,
  help,
  read: (given, name) => wholeNumber(given, name, min, max),
});

/** Words with commas between. */
export const words = (help: string): Value<string[]> => ({
  kind: 'value',
  value: 'a,b',
  help,
  read: (given) =>
    given
      .split(',')
      .map((word) => word.trim())
      .filter(Boolean),
});

/** One of the words that are known. */
export const oneOf = <const Word extends string>(
  value: string,
  known: readonly Word[],
  help: string,
): Value<Word> => ({
  kind: 'value',
  value,
  help,
  read(given, name) {
    const word = known.find((each) => each === given);
    if (word !== undefined) return word;
    throw new UsageError(`${name}: "${given}" is none of ${known.join(', ')}`);
  },
  completes: known,
});

/** Words with commas between, each of those that are known. */
export const listOf = <const Word extends string>(words: readonly Word[], help: string): Value<Word[]> => ({
  kind: 'value',
  value: 'a,b',
  help,
  read(given, name) {
    const items = given.split(',').map((item) => item.trim());
    const unknown = items.find((item) => !words.some((word) => word === item));
    if (unknown === undefined) return items as Word[];
    throw new UsageError(`${name}: "${unknown}" is none of ${words.join(', ')}`);
  },
  completes: words,
});

const isoTime = enqueueOptions.shape.runAt.unwrap();

/** A point in time: ISO 8601, or so long ago: `2h`. */
export const time = (help: string): Value<string> => ({
  kind: 'value',
  value: 'TIME',
  help: `${help} (ISO 8601, or an age such as 90s, 30m, 2h, 7d)`,
  read(given, name) {
    const ageMs = readDuration(given);
    if (ageMs !== undefined) return new Date(Date.now() - ageMs).toISOString();
    if (isoTime.safeParse(given).success) return given;
    throw new UsageError(`${name}: "${given}" is neither an ISO 8601 time nor an age such as 2h`);
  },
});

/** A count, or `none`. */
export const limit = (help: string): Value<number | null> => ({
  kind: 'value',
  value: 'N|none',
  help,
  read: (given, name) => (given === 'none' ? null : wholeNumber(given, name, 1, 2_147_483_647)),
  completes: ['none'],
});

export const JSON_FLAG = { json: flag('print JSON') } as const;
/** Of every command that goes either way. */
export const WAY_FLAGS = {
  url: text(
    'URL',
    'talk to the API there, with the key in LOVAGE_API_KEY (default LOVAGE_URL, else the database)',
  ),
  ...JSON_FLAG,
} as const;
