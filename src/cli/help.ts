import type { Command } from './command.ts';

export function printHelp(commands: readonly Command[], command: Command | undefined): void {
  if (command) return printCommand(command);
  console.log(`lovage: background tasks for TypeScript on nothing but Postgres

Usage: lovage COMMAND [options]

Commands:
${commands.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`).join('\n')}

Without DATABASE_URL every command uses the embedded Postgres in .lovage/ (LOVAGE_DATA_DIR moves it).
lovage COMMAND --help tells more about one command.`);
}

function printCommand({ summary, usage, options = [], examples = [] }: Command): void {
  const width = Math.max(0, ...options.map(([flag]) => flag.length));
  const lines = [
    summary,
    '',
    `Usage: lovage ${usage}`,
    ...(options.length > 0
      ? ['', 'Options:', ...options.map(([flag, meaning]) => `  ${flag.padEnd(width)}  ${meaning}`)]
      : []),
    ...(examples.length > 0 ? ['', 'Examples:', ...examples.map((example) => `  lovage ${example}`)] : []),
  ];
  console.log(lines.join('\n'));
}
