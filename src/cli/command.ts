import { parseWords } from './parse.ts';
import type { Command, Options, Specification, ValuesOf } from './specification.ts';

export {
  type Argument,
  type Candidates,
  type Command,
  type Flag,
  type Options,
  UsageError,
  type Value,
  type ValuesOf,
} from './specification.ts';

export const defineCommand = <const O extends Options = Record<string, never>>(
  specification: Specification<O>,
): Command => ({
  ...specification,
  run(args) {
    if (specification.takesAnything) return specification.run({} as ValuesOf<O>, args);
    const { values, words } = parseWords(specification, args);
    return specification.run(values, words);
  },
});
