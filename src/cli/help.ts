import type { Command, Options } from './command.ts';
import { paint } from './table.ts';

const FOOT = `Commands on tasks, queues, workers and the like go to the API of --url or LOVAGE_URL, with the key in LOVAGE_API_KEY;
without either to the database: DATABASE_URL, else the embedded Postgres in .lovage/ (LOVAGE_DATA_DIR moves it).
lovage COMMAND --help tells more about one command. Exit codes: 0 done, 1 failed, 2 the command line is wrong, 3 not there
or not final, 4 the key is refused.`;

export const describeAll = (
  commands: readonly Command[],
): string => `lovage: background tasks for TypeScript on nothing but Postgres

Usage: lovage COMMAND [options]

Commands:
${rows(commands)}

${FOOT}`;

export const describeGroup = (
  commands: readonly Command[],
  group: string,
): string => `Usage: lovage ${group} COMMAND

Commands:
${rows(commands.filter(({ name }) => name.startsWith(`${group} `)))}

lovage ${group} COMMAND --help tells more about one.`;

function rows(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return commands
    .map(({ name, aliases = [], summary }) => {
      const short = aliases.length > 0 ? paint('dim', `  (also: ${aliases.join(', ')})`) : '';
      return `  ${name.padEnd(width)}  ${summary}${short}`;
    })
    .join('\n');
}

export function describeCommand({ name, aliases = [], summary, options = {}, ...command }: Command): string {
  const words = (command.arguments ?? []).map((each) => (each.isOptional ? `[${each.name}]` : each.name));
  const flags = describeOptions(options);
  return [
    summary,
    '',
    `Usage: lovage ${[name, ...words, ...(flags.length > 0 ? ['[options]'] : [])].join(' ')}`,
    ...aliases.map((alias) => `       lovage ${[alias, ...words].join(' ')}`),
    ...section('Options:', flags),
    ...section(
      'Examples:',
      (command.examples ?? []).map((example) => `  lovage ${example}`),
    ),
    ...(command.notes ? ['', ...command.notes] : []),
  ].join('\n');
}

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length > 0 ? ['', title, ...lines] : [];

function describeOptions(options: Options): string[] {
  const named = Object.entries(options).map(([name, option]) => {
    const short = option.short === undefined ? '' : `-${option.short}, `;
    const value = option.kind === 'value' ? ` ${option.value}` : '';
    return [`${short}--${name}${value}`, option.help] as const;
  });
  const width = Math.max(0, ...named.map(([flag]) => flag.length));
  return named.map(([flag, help]) => `  ${flag.padEnd(width)}  ${help}`);
}
