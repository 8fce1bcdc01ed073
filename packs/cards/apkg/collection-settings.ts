import { NOTE_FIELDS } from '../note/fields.ts';
import {
  CLOZE_CSS,
  DECK_ID,
  DECK_NAME,
  MODEL_ID,
  MODEL_NAME,
  SORT_FIELD,
  TEMPLATE,
} from '../note/note-type.ts';

const DEFAULT_ID = 1;
const CLOZE_TYPE = 1;
/** Changed here and nowhere else. */
const USN = -1;

/** The JSON in the one row of `col`: preferences, note types, decks and their options. `mod` is in seconds. */
export function collectionSettings(mod: number) {
  return {
    conf: {
      activeDecks: [DECK_ID],
      addToCur: true,
      collapseTime: 1200,
      curDeck: DECK_ID,
      curModel: MODEL_ID,
      dueCounts: true,
      estTimes: true,
      newSpread: 0,
      nextPos: 1,
      sortBackwards: false,
      sortType: 'noteFld',
      timeLim: 0,
    },
    models: { [MODEL_ID]: noteType(mod) },
    decks: { [DEFAULT_ID]: deck(DEFAULT_ID, 'Default', mod), [DECK_ID]: deck(DECK_ID, DECK_NAME, mod) },
    dconf: { [DEFAULT_ID]: deckOptions() },
    tags: {},
  };
}

const noteType = (mod: number) => ({
  id: MODEL_ID,
  name: MODEL_NAME,
  type: CLOZE_TYPE,
  mod,
  usn: USN,
  sortf: SORT_FIELD,
  did: DECK_ID,
  tmpls: [
    {
      name: TEMPLATE.name,
      ord: 0,
      qfmt: TEMPLATE.front,
      afmt: TEMPLATE.back,
      bqfmt: '',
      bafmt: '',
      did: null,
    },
  ],
  flds: NOTE_FIELDS.map((name, ord) => ({
    name,
    ord,
    sticky: false,
    rtl: false,
    font: 'Arial',
    size: 20,
    media: [],
  })),
  css: CLOZE_CSS,
  latexPre: '\\documentclass[12pt]{article}\n\\pagestyle{empty}\n\\begin{document}\n',
  latexPost: '\\end{document}',
  req: [[0, 'any', [0]]],
  tags: [],
  vers: [],
});

const deck = (id: number, name: string, mod: number) => ({
  id,
  name,
  mod,
  usn: USN,
  desc: '',
  dyn: 0,
  conf: DEFAULT_ID,
  collapsed: false,
  browserCollapsed: false,
  extendNew: 0,
  extendRev: 0,
  lrnToday: [0, 0],
  newToday: [0, 0],
  revToday: [0, 0],
  timeToday: [0, 0],
});

const deckOptions = () => ({
  id: DEFAULT_ID,
  name: 'Default',
  mod: 0,
  usn: 0,
  autoplay: true,
  dyn: false,
  maxTaken: 60,
  replayq: true,
  timer: 0,
  new: {
    bury: true,
    delays: [1, 10],
    initialFactor: 2500,
    ints: [1, 4, 7],
    order: 1,
    perDay: 20,
    separate: true,
  },
  rev: { bury: true, ease4: 1.3, fuzz: 0.05, ivlFct: 1, maxIvl: 36500, minSpace: 1, perDay: 200 },
  lapse: { delays: [10], leechAction: 0, leechFails: 8, minInt: 1, mult: 0 },
});
