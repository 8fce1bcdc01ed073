import { NOTE_FIELDS } from './fields.ts';

export const DECK_NAME = 'English Vocabulary';
export const MODEL_NAME = 'Custom Cloze';

export const CLOZE_CSS = `.card { font-family: sans-serif; font-size: 20px; text-align: center; color: #222; background: #fff; }
.cloze { font-weight: bold; color: #0645ad; }
.nightMode .cloze { color: #8ab4f8; }
.word { font-weight: bold; }
.about { font-size: 15px; color: #666; }
.nightMode.card { color: #eee; background: #222; }
.nightMode .about { color: #aaa; }`;

/** The sentence with its gap, and behind it all that is known of the word. What would give the answer away is on the back. */
export const TEMPLATE = {
  name: 'Cloze',
  front: `{{cloze:Text}}
<p class="about">{{PartOfSpeech}} {{CefrLevel}}</p>
<p class="about">{{TextTranslation}}</p>`,
  back: `{{cloze:Text}} {{TextAudio}}
<p class="about">{{TextTranslation}}</p>
<hr id="answer">
<p><span class="word">{{Word}}</span> {{DefinitionAudio}} <span class="about">{{PartOfSpeech}} {{CefrLevel}} {{Code}}</span></p>
<p>{{EnDefinition}}</p>
<p class="about">{{DefinitionTranslation}}</p>`,
};

// Fixed, so that a second file adds to the deck of the first one instead of making another.
export const DECK_ID = 1_732_000_000_101;
export const MODEL_ID = 1_732_000_000_201;

/** Which field of a note is sorted by: the word. */
export const SORT_FIELD = NOTE_FIELDS.indexOf('Word');
