import { parseArgs } from 'node:util';
import { type Argument, type Options, UsageError, type ValuesOf } from './specification.ts';
import { suggest } from './suggest.ts';

interface Parsed {
  name: string;
  arguments?: readonly Argument[];
  options?: Options;
}

/** Reads a command's words and options as its table says. @throws UsageError in one line. */
export function parseWords<O extends Options>(
  command: Parsed & { options?: O },
  args: readonly string[],
): { values: ValuesOf<O>; words: string[] } {
  const options: Options = command.options ?? {};
  const { values, positionals } = parse(args, options);
  const wanted = command.arguments ?? [];
  if (positionals.length > wanted.length) {
    throw new UsageError(`unexpected argument "${positionals[wanted.length]}"`);
  }
  const missing = wanted.find(({ isOptional }, index) => !isOptional && (positionals[index] ?? '') === '');
  if (missing) {
    throw new UsageError(`say which ${missing.which}: lovage ${command.name} ${missing.name}`);
  }
  const read = Object.entries(options).map(([name, option]) => {
    const given = values[name];
    if (option.kind === 'flag') return [name, given === true];
    return [name, typeof given === 'string' ? option.read(given, `--${name}`) : undefined];
  });
  return { values: Object.fromEntries(read) as ValuesOf<O>, words: positionals };
}

function parse(args: readonly string[], options: Options) {
  const known = Object.entries(options).map(([name, { kind, short }]) => [
    name,
    { type: kind === 'flag' ? 'boolean' : 'string', ...(short !== undefined && { short }) },
  ]);
  try {
    const { tokens, ...parsed } = parseArgs({
      args: [...args],
      options: Object.fromEntries(known) as Record<string, { type: 'boolean' | 'string' }>,
      allowPositionals: true,
      strict: true,
      tokens: true,
    });
    refuseTwice(
      tokens.flatMap((token) => (token.kind === 'option' && token.value !== undefined ? [token.name] : [])),
    );
    return parsed;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(explain(error as Error & { code?: string }, Object.keys(options)));
  }
}

/** Of two values only the last would count, and what was asked of all would be done to some. */
function refuseTwice(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new UsageError(`--${twice} is given twice`);
}

/** Node's word for it, without the second sentence, and what may have been meant. */
function explain({ code, message }: { code?: string; message: string }, names: readonly string[]): string {
  const [said = message] = message.split(/\. |\n/);
  if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return said;
  const [, given = ''] = /'--?([^'=]+)/.exec(message) ?? [];
  const meant = suggest(given, names);
  return meant === undefined ? said : `${said}; did you mean --${meant}?`;
}
