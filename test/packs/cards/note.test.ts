import { expect, test } from 'vitest';
import { findClozes, dropMarks } from '../../../packs/cards/note/find-clozes.ts';
import { clozeNoteInput } from '../../../packs/cards/note/input.ts';
import { makeNote } from '../../../packs/cards/note/make-note.ts';
import { speakable } from '../../../packs/cards/note/read-text.ts';
import { wrapWord } from '../../../packs/cards/note/wrap-word.ts';
import { noteInput } from './note-input.ts';

/** The faults of an input, as `field: message`. */
async function faultsOf(change: Record<string, unknown>): Promise<string[]> {
  const { error } = await clozeNoteInput.safeParseAsync({ ...noteInput(), ...change });
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

test.each([
  ['the word as it stands', 'run', 'I run home.', 'I {{c1::run}} home.'],
  ['in capitals', 'run', 'Run! RUN!', '{{c1::Run}}! {{c1::RUN}}!'],
  ['not inside another word', 'cat', 'The concatenated cat', 'The concatenated {{c1::cat}}'],
  [
    'a regular inflection, where the word itself is not there',
    'walk',
    'She walked on.',
    'She {{c1::walked}} on.',
  ],
  ['with an accent written in two ways', 'café', 'A cafe\u0301 here'.normalize('NFC'), 'A {{c1::café}} here'],
  ['behind an entity', 'café', 'A caf&eacute; here', 'A {{c1::caf&eacute;}} here'],
  ['between quotes', 'fast', 'He said "fast" twice', 'He said "{{c1::fast}}" twice'],
  ['with a curly apostrophe', "don't", 'I don’t know', 'I {{c1::don’t}} know'],
  ['of two words over a line break', 'give up', 'Never give\nup!', 'Never {{c1::give\nup}}!'],
  ['of two words over a hard space', 'give up', 'Never give&nbsp;up!', 'Never {{c1::give&nbsp;up}}!'],
  ['inside a tag', 'run', 'I <b>run</b> home', 'I <b>{{c1::run}}</b> home'],
  ['in Greek', 'λόγος', 'Ο Λόγος ήταν', 'Ο {{c1::Λόγος}} ήταν'],
  ['with signs of a pattern', 'c++', 'I write C++ daily', 'I write {{c1::C++}} daily'],
  ['and not in an attribute', 'run', '<i title="run">I run</i>', '<i title="run">I {{c1::run}}</i>'],
])('a word is wrapped: %s', async (_how, word, example, wrapped) => {
  expect(await wrapWord(example, word)).toBe(wrapped);
});

test.each([
  ['is not there', 'run', 'I walk home'],
  ['is only a part of another', 'art', 'The start of a party'],
  ['is torn by a tag', 'run', 'I r<b>un</b> home'],
  ['is only in a comment', 'run', 'I <!-- run --> walk'],
])('nothing is wrapped where the word %s', async (_why, word, example) => {
  expect(await wrapWord(example, word)).toBeUndefined();
});

test('clozes are found inside each other, with hints and in any order', () => {
  const text = 'A {{c2::big {{c1::dog::animal}} here::where}} and {{c1::cat}}';
  const { clozes, unclosed } = findClozes(text);
  const answers = clozes.map(({ number, answerStart, answerEnd }) => [
    number,
    text.slice(answerStart, answerEnd),
  ]);
  expect(answers).toEqual([
    [1, 'dog'],
    [2, 'big {{c1::dog::animal}} here'],
    [1, 'cat'],
  ]);
  expect(unclosed).toBe(0);
  expect(dropMarks(text)).toBe('A big dog here and cat');
});

test('what follows the second colons is a hint, whatever it holds', () => {
  expect(dropMarks('A {{c1::dog::one: two::three}} barks')).toBe('A dog barks');
});

test('what is spoken has neither tags nor entities, marks, hints or names of recordings', async () => {
  const html =
    '<p>Tom &amp; <b>J&eacute;r&ocirc;me</b></p>{{c1::ran::hint}}<br>home[sound:a.mp3]<style>p{}</style> &lt;3';
  expect(await speakable(dropMarks(html))).toBe('Tom & Jérôme ran home <3');
});

test('a note has ten fields, its cloze, and what is to be read aloud', async () => {
  const note = await makeNote(
    noteInput({ word: 'caf\u00e9', englishExample: 'A <b>cafe\u0301</b> &amp; bar' }),
  );
  expect(note.fields).toEqual({
    Text: 'A <b>{{c1::café}}</b> &amp; bar',
    Word: 'café',
    TextTranslation: noteInput().exampleTranslation,
    EnDefinition: noteInput().englishDefinition,
    DefinitionTranslation: noteInput().definitionTranslation,
    PartOfSpeech: 'noun',
    CefrLevel: 'C2',
    Code: noteInput().code,
    DefinitionAudio: '',
    TextAudio: '',
  });
  expect(note.spoken).toEqual({ DefinitionAudio: 'café', TextAudio: 'A café & bar' });
});

test('a note is the same with its cloze or without, and another one with another word or example', async () => {
  const guid = async (change: Parameters<typeof noteInput>[0]) => (await makeNote(noteInput(change))).guid;
  const first = await guid({ word: 'dog', englishExample: 'A dog barks' });
  expect(first).toMatch(/^[0-9a-f]{20}$/);
  expect(await guid({ word: 'dog', englishExample: ' A {{c1::dog}} barks' })).toBe(first);
  expect(await guid({ word: 'dog', englishExample: 'A dog barks', englishDefinition: 'x' })).toBe(first);
  expect(await guid({ word: 'Dog', englishExample: 'A dog barks' })).not.toBe(first);
  expect(await guid({ word: 'dog', englishExample: 'A dog sleeps' })).not.toBe(first);
});

test('line breaks and tabs are no control characters', async () => {
  expect(await faultsOf({ englishDefinition: 'a\r\n\tb' })).toEqual([]);
});

test('fields of which the dictionary knows nothing may be empty', async () => {
  expect(
    await faultsOf({ partOfSpeech: '', guideWord: '', cefrLevel: '', code: '', definitionTranslation: '' }),
  ).toEqual([]);
});

test.each([
  ['an empty cloze', { englishExample: 'A {{c1::}} b' }, ['englishExample: cloze 1 is empty']],
  ['a cloze of tags', { englishExample: 'A {{c2::<b> &nbsp;</b>}}' }, ['englishExample: cloze 2 is empty']],
  ['a cloze of a hint', { englishExample: 'A {{c1::::hint}}' }, ['englishExample: cloze 1 is empty']],
  [
    'an empty cloze in a cloze',
    { englishExample: '{{c1::{{c2::}}}}' },
    ['englishExample: cloze 2 is empty', 'englishExample: cloze 1 is empty'],
  ],
  [
    'an open cloze',
    { englishExample: 'A {{c1::dog barks' },
    ['englishExample: a cloze is opened and never closed'],
  ],
  [
    'a cloze numbered 0',
    { englishExample: 'A {{c0::dog}}' },
    ['englishExample: a cloze is numbered 1 to 500, not 0'],
  ],
  [
    'a cloze numbered 501',
    { englishExample: 'A {{c501::dog}}' },
    ['englishExample: a cloze is numbered 1 to 500, not 501'],
  ],
  [
    'an example without the word',
    { englishExample: 'No such thing' },
    ['englishExample: must hold a cloze such as {{c1::word}}, or the word itself'],
  ],
  ['a word of tags only', { word: '<b></b>' }, ['word: must hold a word']],
  ['a separator of fields', { code: 'a\u001fb' }, ['code: must not hold control characters']],
  ['a number for a text', { code: 7 }, [expect.stringContaining('code: ')]],
])('%s is refused, by its field', async (_what, change, faults) => {
  expect(await faultsOf(change)).toEqual(faults);
});

test('several clozes with numbers and hints are accepted as they are', async () => {
  const englishExample = 'The {{c1::ledger::book}} of {{c2::sales}} and {{c1::costs}}';
  expect(await faultsOf({ englishExample })).toEqual([]);
  expect((await makeNote(noteInput({ englishExample }))).fields.Text).toBe(englishExample);
});
