import { type Command, UsageError } from './command.ts';
import { suggest } from './suggest.ts';

/** What a command line means: a command with what follows it, or a group that help is wanted of. */
export type Found = { command: Command; rest: readonly string[] } | { group: string };

const wordsOf = (args: readonly string[]): string[] => {
  const end = args.findIndex((arg) => arg.startsWith('-'));
  return args.slice(0, end === -1 ? args.length : end);
};

/** The group alone lists what is in it: `queues` is `queues list`. @throws UsageError, with what may have been meant. */
export function findCommand(commands: readonly Command[], args: readonly string[]): Found {
  const [first = '', second] = wordsOf(args);
  if (first === '') throw new UsageError(`say the command first, then ${args[0]}: lovage COMMAND [options]`);
  const called = (name: string) =>
    commands.find((each) => each.name === name || each.aliases?.includes(name) === true);
  const group = commands.filter(({ name }) => name.startsWith(`${first} `));
  if (group.length === 0) {
    const command = called(first);
    if (command) return { command, rest: args.slice(1) };
    throw new UsageError(unknown(`there is no command "${first}"`, first, namesOf(commands)));
  }
  if (second === undefined) {
    const list = called(`${first} list`);
    if (list && !args.includes('--help') && !args.includes('-h'))
      return { command: list, rest: args.slice(1) };
    return { group: first };
  }
  const command = called(`${first} ${second}`);
  if (command) return { command, rest: args.slice(2) };
  const verbs = group.map(({ name }) => name.slice(first.length + 1));
  throw new UsageError(
    `${unknown(`there is no "${first} ${second}"`, second, verbs)}; there are: ${verbs.join(', ')}`,
  );
}

const unknown = (said: string, given: string, names: readonly string[]): string => {
  const meant = suggest(given, names);
  return meant === undefined ? said : `${said}; did you mean "${meant}"?`;
};

const namesOf = (commands: readonly Command[]): string[] => [
  ...new Set(commands.flatMap(({ name, aliases = [] }) => [name.split(' ')[0] ?? name, ...aliases])),
];
