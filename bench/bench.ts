import type { Progress } from './progress.ts';
import type { PostgresServer } from './measure/postgres-server.ts';

/** One promise about speed, measured. */
export interface Claim {
  what: string;
  /** The median, or the percentile that `what` names. */
  value: number;
  unit: string;
  /** Over the rounds of this run. */
  min: number;
  max: number;
  bar: { text: string; isHeld: boolean };
}

export interface Section {
  name: string;
  title: string;
  /** Runs only when it is named. */
  isLong?: boolean;
  run(bench: Bench): Promise<Claim[]>;
}

/** What every section measures with. */
export interface Bench {
  server: PostgresServer;
  rounds: number;
  isQuick: boolean;
  progress: Progress;
  /** A line of the report. */
  print(line?: string): void;
}

/** A bar that a value must not stay under. */
export const atLeast = (bar: number, value: number, unit: string): Claim['bar'] => ({
  text: `≥ ${bar}${unit}`,
  isHeld: value >= bar,
});

/** A bar that a value must stay under. */
export const below = (bar: number, value: number, unit: string): Claim['bar'] => ({
  text: `< ${bar}${unit}`,
  isHeld: value < bar,
});

/** A bar that a value may reach and not pass. */
export const atMost = (bar: number, value: number, unit: string): Claim['bar'] => ({
  text: `≤ ${bar}${unit}`,
  isHeld: value <= bar,
});
