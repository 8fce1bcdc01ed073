export interface Flag {
  kind: 'flag';
  help: string;
  short?: string;
}

/** An option that takes a value. */
export interface Value<T> {
  kind: 'value';
  /** What stands for it in the help, such as `N`. */
  value: string;
  help: string;
  short?: string;
  /** @throws UsageError naming the flag, for what makes no sense. */
  read(text: string, flag: string): T;
  completes?: Candidates;
}

export type Options = Record<string, Flag | Value<unknown>>;
export type ValuesOf<O extends Options> = {
  [Name in keyof O]: O[Name] extends Value<infer T> ? T | undefined : boolean;
};

/** What a shell may offer: these words, or the names of a configuration. */
export type Candidates = readonly string[] | 'queues' | 'tasks' | 'schedules';

export interface Argument {
  /** As the usage shows it, such as `ID`. */
  name: string;
  /** What it names: `say which task` where it is missing. */
  which: string;
  isOptional?: boolean;
  completes?: Candidates;
}

/** A command as it is written down: parsing, help and completion follow from it. */
export interface Specification<O extends Options> {
  /** `queues pause`. */
  name: string;
  /** Shorter ways to say it. */
  aliases?: readonly string[];
  summary: string;
  arguments?: readonly Argument[];
  options?: O;
  examples?: readonly string[];
  /** What more there is to say. */
  notes?: readonly string[];
  /** Everything goes through as it is, to another program. */
  takesAnything?: boolean;
  /** Resolves with the exit code. */
  run(values: ValuesOf<O>, words: readonly string[]): Promise<number>;
}

/** One command of `lovage`. */
export interface Command extends Omit<Specification<Options>, 'run'> {
  run(args: readonly string[]): Promise<number>;
}

/** The command line is wrong: the message says how, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
