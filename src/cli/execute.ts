import { COMMANDS } from './commands/index.ts';
import { UsageError } from './command.ts';
import { describeFailure, EXIT } from './failure.ts';
import { findCommand } from './find-command.ts';
import { describeAll, describeCommand, describeGroup } from './help.ts';
import { printableLines } from './printable.ts';
import { version } from './version.ts';

/** Does what a command line says, tells what went wrong in a line, and returns the exit code. */
export async function execute(args: readonly string[]): Promise<number> {
  const [first] = args;
  if (first === '--version' || first === '-v') {
    console.log(version());
    return EXIT.done;
  }
  if (first === 'help' && args.length > 1) return execute([...args.slice(1), '--help']);
  if (first === undefined || first === 'help' || first === '--help' || first === '-h') {
    console.log(describeAll(COMMANDS));
    return EXIT.done;
  }
  try {
    const found = findCommand(COMMANDS, args);
    if ('group' in found) {
      console.log(describeGroup(COMMANDS, found.group));
      return EXIT.done;
    }
    const { command, rest } = found;
    if (rest.includes('--help') || (rest.includes('-h') && !command.takesAnything)) {
      console.log(describeCommand(command));
      return EXIT.done;
    }
    return await command.run(rest);
  } catch (error) {
    const { text, exitCode } = describeFailure(error, process.env['LOVAGE_LOG_LEVEL']);
    const hint =
      error instanceof UsageError && text.startsWith('there is no') ? ' (lovage --help lists all)' : '';
    console.error(`lovage: ${printableLines(text)}${hint}`);
    return exitCode;
  }
}
