import { findClozes } from './find-clozes.ts';
import { nfc } from './normalize.ts';
import { speakable } from './read-text.ts';
import { wrapWord } from './wrap-word.ts';

const MAX_NUMBER = 500;

interface Sentence {
  word: string;
  englishExample: string;
}

interface NoteFault {
  path: keyof Sentence;
  message: string;
}

/** What makes a note that Anki would take a note that nobody can learn. */
export async function findFaults(input: Sentence): Promise<NoteFault[]> {
  const [word, example] = [nfc(input.word), nfc(input.englishExample)];
  if ((await speakable(word)) === '') return [{ path: 'word', message: 'must hold a word' }];
  const messages = await clozeFaults(example);
  if (messages.length === 0 && findClozes(example).clozes.length === 0 && !(await wrapWord(example, word)))
    messages.push('must hold a cloze such as {{c1::word}}, or the word itself');
  return messages.map((message) => ({ path: 'englishExample', message }));
}

async function clozeFaults(example: string): Promise<string[]> {
  const { clozes, unclosed } = findClozes(example);
  const faults: string[] = [];
  if (unclosed > 0) faults.push('a cloze is opened and never closed');
  for (const { number, answerStart, answerEnd } of clozes) {
    if (number < 1 || number > MAX_NUMBER)
      faults.push(`a cloze is numbered 1 to ${MAX_NUMBER}, not ${number}`);
    const answer = example.slice(answerStart, answerEnd).replaceAll(/\{\{c\d+::|\}\}/gi, '');
    if ((await speakable(answer)) === '') faults.push(`cloze ${number} is empty`);
  }
  return faults;
}
