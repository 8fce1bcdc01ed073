import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';

export interface FakeNote {
  noteId: number;
  modelName: string;
  deckName: string;
  tags: string[];
  cards: number[];
  fields: Record<string, string>;
}

/** What a test has the server do with a request, in place of its ordinary answer. */
export type Interference = (call: {
  action: string;
  params: Params;
  count: number;
}) => Answer | undefined | Promise<Answer | undefined>;

export type Answer =
  /** Does what was asked, and the answer is lost: the connection breaks. */
  | 'lose the answer'
  /** Does what was asked and never answers. */
  | 'fall silent'
  | { refuse: string }
  | { status?: number; type?: string; body: string };

type Params = Record<string, unknown>;

export interface FakeAnki extends AsyncDisposable {
  url: string;
  /** The actions asked for, in their order. */
  calls: string[];
  notes: FakeNote[];
  decks: Set<string>;
  models: Map<string, string[]>;
  media: Map<string, Buffer>;
  interfere(how: Interference | undefined): void;
}

const KEY = 'the-key-of-anki';

/** No two notes of a test run have the same id, whichever server made them. */
let nextId = 1_750_000_000_000;

/** An Anki with AnkiConnect, as its clients see it: it keeps decks, note types, media and notes, and knows duplicates. */
export async function openFakeAnki({ key = KEY }: { key?: string } = {}): Promise<FakeAnki> {
  const state = {
    calls: [] as string[],
    notes: [] as FakeNote[],
    decks: new Set(['Default']),
    models: new Map([['Basic', ['Front', 'Back']]]),
    media: new Map<string, Buffer>(),
  };
  let interference: Interference | undefined;
  const answerTo = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const asked = JSON.parse(Buffer.concat(chunks).toString()) as {
      action: string;
      params: Params;
      key: string;
    };
    const { action, params } = asked;
    state.calls.push(action);
    const count = state.calls.filter((call) => call === action).length;
    const answer = await interference?.({ action, params, count });
    if (typeof answer === 'object' && 'body' in answer) return send(response, answer);
    if (typeof answer === 'object') return send(response, json({ result: null, error: answer.refuse }));
    if (asked.key !== key)
      return send(response, json({ result: null, error: 'valid api key must be provided' }));
    const reply = perform(state, action, params);
    if (answer === 'lose the answer') return void request.socket.destroy();
    if (answer !== 'fall silent') send(response, json(reply));
  };
  const server = createServer((request, response) => void answerTo(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    ...state,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    interfere: (how) => (interference = how),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

export const fakeAnkiEnv = ({ url }: FakeAnki): Record<string, string> => ({
  ANKI_CONNECT_URL: url,
  ANKI_CONNECT_KEY: KEY,
});

type State = Pick<FakeAnki, 'notes' | 'decks' | 'models' | 'media'>;

interface Reply {
  result: unknown;
  error: string | null;
}

const ok = (result: unknown): Reply => ({ result, error: null });
const no = (error: string): Reply => ({ result: null, error });

function perform(state: State, action: string, params: Params): Reply {
  const text = (name: string) => String(params[name]);
  switch (action) {
    case 'sync':
      return ok(null);
    case 'createDeck':
      state.decks.add(text('deck'));
      return ok(1_700_000_000_000);
    case 'modelNames':
      return ok([...state.models.keys()]);
    case 'modelFieldNames':
      return ok(state.models.get(text('modelName')));
    case 'createModel':
      if (state.models.has(text('modelName'))) return no('Model name already exists');
      state.models.set(text('modelName'), params['inOrderFields'] as string[]);
      return ok({ id: 1_700_000_000_001, name: text('modelName') });
    case 'storeMediaFile':
      state.media.set(text('filename'), Buffer.from(text('data'), 'base64'));
      return ok(text('filename'));
    case 'findNotes':
      return ok(search(state.notes, text('query')));
    case 'notesInfo':
      return ok((params['notes'] as number[]).map((id) => describe(state.notes, id)));
    case 'addNote':
      return addNote(state, params['note'] as FakeNote & { options: { allowDuplicate: boolean } });
    default:
      return no('unsupported action');
  }
}

function addNote(
  { notes, decks, models }: State,
  { modelName, deckName, fields, tags, options }: FakeNote & { options: { allowDuplicate: boolean } },
): Reply {
  if (!decks.has(deckName)) return no(`deck was not found: ${deckName}`);
  const names = models.get(modelName);
  if (!names) return no(`model was not found: ${modelName}`);
  const first = names[0] ?? '';
  const isDuplicate = notes.some(
    (note) => note.modelName === modelName && note.fields[first] === fields[first],
  );
  if (isDuplicate && !options.allowDuplicate) return no('cannot create note because it is a duplicate');
  const numbers = new Set([...(fields[first] ?? '').matchAll(/\{\{c(\d+)::/g)].map(([, number]) => number));
  if (numbers.size === 0) return no('cannot create note because it is empty');
  const noteId = (nextId += 1_000);
  const cards = [...numbers].map((_, index) => noteId + index + 1);
  notes.push({ noteId, modelName, deckName, tags, fields, cards });
  return ok(noteId);
}

/** `"tag:x"` and `"note:x" "Field:x"`, with the escapes of Anki's search. */
function search(notes: FakeNote[], query: string): number[] {
  const terms = [...query.matchAll(/"((?:\\.|[^"\\])*)"/g)].map(([, term = '']) => {
    const [, field = '', value = ''] = /^(\w+):(.*)$/s.exec(term) ?? [];
    return { field, value: value.replaceAll(/\\(.)/gs, '$1') };
  });
  const holds = (note: FakeNote) =>
    terms.every(({ field, value }) => {
      if (field === 'tag') return note.tags.includes(value);
      if (field === 'note') return note.modelName === value;
      return note.fields[field]?.toLowerCase() === value.toLowerCase();
    });
  return notes.filter(holds).map(({ noteId }) => noteId);
}

function describe(notes: FakeNote[], id: number): unknown {
  const note = notes.find(({ noteId }) => noteId === id);
  if (!note) return {};
  const fields = Object.entries(note.fields).map(([name, value], order) => [name, { value, order }]);
  return { ...note, fields: Object.fromEntries(fields) };
}

const json = (reply: Reply) => ({ body: JSON.stringify(reply) });

function send(
  response: ServerResponse,
  { status = 200, type = 'application/json', body }: { status?: number; type?: string; body: string },
): void {
  response.writeHead(status, { 'Content-Type': type });
  response.end(body);
}
