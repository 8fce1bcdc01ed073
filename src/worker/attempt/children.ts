import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { isPassing, retryConflicts } from '../../db/failures.ts';
import { Discard, LovageError, WaitingForChildren } from '../../errors.ts';
import { findUnstorable, suspect } from '../../json/unstorable.ts';
import {
  addChildren,
  readChildren,
  type MadeChild,
  type NewChild,
  type Parent,
} from '../../queue/children.ts';
import { AttemptLost } from '../../stop-reasons.ts';
import type { AnyTask, Child, ChildOptions, ChildOutcome, RunContext } from '../../task.ts';
import { newTask } from '../../tasks/enqueue.ts';
import { traceSend } from '../../tracing/spans.ts';
import { isFinal } from '../../wire.ts';

const MAX_STEP = 200;
const MAX_GROUP = 500;
const RETRY_MAX_MS = 5_000;

interface Asked {
  child: NewChild;
  resolve: (made: MadeChild) => void;
  reject: (error: unknown) => void;
}

/** The children of one attempt, as its handler makes them and waits for them. */
export class Children {
  readonly #pool: pg.Pool;
  readonly #parent: Parent;
  #asked: Asked[] = [];
  #isWaiting = false;

  constructor(pool: pg.Pool, parent: Parent) {
    this.#pool = pool;
    this.#parent = parent;
  }

  readonly enqueue: RunContext<unknown>['enqueue'] = (definition, input, options) => {
    const making = this.#make(definition, input, options);
    // Nobody may be waiting for it: an attempt that is over must not take its process with it.
    making.catch(() => undefined);
    return making;
  };

  readonly waitFor: RunContext<unknown>['waitFor'] = async (children) => {
    const outcomes = await this.#outcomesOf([...new Set(children.map(({ id }) => id))]);
    // Each place has the outcome of its child, whose definition its type names.
    return children.map(({ id }) => outcomes.get(id)) as never;
  };

  /** @throws Discard where `waitFor` has ended the run and its handler went on all the same. */
  refuseSwallowed(): void {
    if (!this.#isWaiting) return;
    const message = 'the handler went on after waitFor had ended its run: let what waitFor throws pass';
    throw new Discard(message, { code: 'wait_swallowed' });
  }

  async #make<Definition extends AnyTask>(
    definition: Definition,
    input: unknown,
    { step, priority, ...options }: ChildOptions,
  ): Promise<Child<Definition>> {
    if (
      typeof step !== 'string' ||
      step === '' ||
      step.length > MAX_STEP ||
      findUnstorable(step, ALL).length > 0
    )
      throw new Discard(`a step is a text of 1 to ${MAX_STEP} characters`, { code: 'step_invalid' });
    const {
      tenant: _tenant,
      createdBy: _author,
      ...task
    } = await newTask(definition, NOBODY, { ...options, input });
    const faults = findUnstorable(input, suspect(JSON.stringify(input) ?? ''));
    if (faults.length > 0)
      throw new LovageError('validation', `the input of "${definition.name}" cannot be stored`, { faults });
    const sending = { ...task, trace: this.#parent.trace ?? undefined };
    const requestId = this.#parent.requestId ?? undefined;
    const made = await traceSend(sending, (trace) =>
      this.#ask({ ...task, trace, requestId, priority, parentStep: step }),
    );
    if (made.isSame) return { id: made.id, name: definition.name, step };
    const message = `step "${step}" was used before, for task ${made.id}, with another definition or input`;
    throw new Discard(message, { code: 'step_reused' });
  }

  /** Children that are asked for in one turn of the event loop are made together. */
  #ask(child: NewChild): Promise<MadeChild> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ child, resolve, reject });
      if (this.#asked.length === 1) setImmediate(() => this.#flush());
    });
  }

  #flush(): void {
    const asked = this.#asked;
    this.#asked = [];
    for (let at = 0; at < asked.length; at += MAX_GROUP) void this.#add(asked.slice(at, at + MAX_GROUP));
  }

  async #add(group: readonly Asked[]): Promise<void> {
    try {
      const children = group.map(({ child }) => child);
      const made = await this.#lasting(() => addChildren(this.#pool, this.#parent, children));
      const lost = new AttemptLost('the attempt is no longer its own: it makes no children');
      for (const [place, { resolve, reject }] of group.entries()) {
        const child = made[place];
        if (child) resolve(child);
        else reject(lost);
      }
    } catch (error) {
      // Refused for one of them: each by itself, so that the others are made.
      if (group.length > 1) for (const one of group) await this.#add([one]);
      else group[0]?.reject(error);
    }
  }

  async #outcomesOf(ids: readonly string[]): Promise<Map<string, ChildOutcome>> {
    if (ids.length === 0) return new Map();
    const rows = await this.#lasting(() => readChildren(this.#pool, this.#parent.id, ids));
    const known = new Set(rows.map(({ id }) => id));
    const stranger = ids.find((id) => !known.has(id));
    if (stranger !== undefined)
      throw new Discard(`task ${stranger} is no child of this one`, { code: 'not_a_child' });
    const isOver = rows.every(({ state }) => isFinal(state));
    if (!isOver) {
      this.#isWaiting = true;
      throw new WaitingForChildren(ids);
    }
    return new Map(rows.map(({ output, ...row }) => [row.id, { ...row, result: output } as ChildOutcome]));
  }

  /** What it asks Postgres can be asked again: children are known by their steps. */
  async #lasting<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    for (let failures = 0; ; failures += 1) {
      try {
        return await retryConflicts(ask);
      } catch (error) {
        if (!isPassing(error) || failures >= MAX_FAILURES) throw error;
        await pause(Math.min(RETRY_MAX_MS, 100 * 2 ** failures));
      }
    }
  }
}

/** Some 20 s, after which the attempt fails and its retries go on. */
const MAX_FAILURES = 8;
const ALL = { text: true, depth: false };
/** Whose a child is, is read from its parent. */
const NOBODY = { actor: '', tenant: '' };
