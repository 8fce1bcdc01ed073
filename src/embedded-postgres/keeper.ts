import { setTimeout as pause } from 'node:timers/promises';
import { usersLock } from './open-session.ts';
import type { Session } from './open-session.ts';

/** Joins the server again; where it is gone, starts it if it may. */
export type Reopen = (how: { mayStart: boolean }) => Promise<Session | undefined>;

/** Holds our place among the users of the server, and takes it again quietly when it is lost. */
export class Keeper {
  #session: Session | undefined;
  #reopening: Promise<Session | undefined> | undefined;
  #isReleased = false;
  readonly #reopen: Reopen;

  constructor(session: Session, reopen: Reopen) {
    this.#reopen = reopen;
    this.#hold(session);
  }

  /** True when nobody else uses the server; until it is closed or the server ends, nobody else can. */
  async leave(): Promise<boolean> {
    this.#isReleased = true;
    const session = this.#session ?? (await (this.#reopening ?? this.#tryReopen({ mayStart: false })));
    if (!session) return false;
    this.#session = session;
    session.socket.ref();
    const isAlone = await tryAlone(session).catch(() => false);
    if (!isAlone) await this.close();
    return isAlone;
  }

  async close(): Promise<void> {
    await this.#session?.client.end().catch(() => {});
  }

  #hold(session: Session): void {
    this.#session = session;
    // A program that is done ends, whether it released the server or not.
    session.socket.unref();
    session.client.once('end', () => {
      this.#session = undefined;
      void this.#retake();
    });
  }

  async #retake(): Promise<void> {
    for (let delayMs = 0; ; delayMs = Math.min(delayMs * 2 + 50, 2_000)) {
      await pause(delayMs, undefined, { ref: false });
      if (this.#isReleased) return;
      this.#reopening = this.#tryReopen({ mayStart: true });
      const session = await this.#reopening;
      this.#reopening = undefined;
      if (session) return this.#hold(session);
    }
  }

  #tryReopen(how: { mayStart: boolean }): Promise<Session | undefined> {
    return this.#reopen(how).catch(() => undefined);
  }
}

/** Our own share does not stand in the way: locks of one session never conflict. */
async function tryAlone({ client }: Session): Promise<boolean> {
  const { rows } = await client.query<{ alone: boolean }>('select pg_try_advisory_lock($1) as alone', [
    usersLock,
  ]);
  return rows[0]?.alone === true;
}
