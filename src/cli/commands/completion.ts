import { type Command, defineCommand, UsageError } from '../command.ts';
import { describeCompletion, isShell, SHELLS } from '../completion.ts';
import { loadConfig } from '../../load-config.ts';
import { readSettings } from '../../settings/settings.ts';

export const completionOf = (commands: () => readonly Command[]): Command =>
  defineCommand({
    name: 'completion',
    summary: 'Prints what makes bash or zsh complete commands, options and names',
    arguments: [{ name: 'SHELL', which: 'shell', completes: SHELLS }],
    examples: ['completion bash > ~/.lovage-completion.bash', 'completion zsh > ~/.lovage-completion.zsh'],
    notes: [
      'Then, in ~/.bashrc or, after compinit, in ~/.zshrc: source that file.',
      'The names of queues, tasks and schedules are those of the configuration at that moment: print it anew when they change.',
    ],
    async run(_values, [shell = '']) {
      if (!isShell(shell)) throw new UsageError(`there is completion for ${SHELLS.join(' and ')}`);
      // Without a configuration here it completes all but names.
      const config = await loadConfig(readSettings().configFile).catch(() => undefined);
      const names = {
        queues: [...(config?.queues.keys() ?? [])],
        tasks: [...(config?.tasks.keys() ?? [])],
        schedules: [...(config?.schedules.keys() ?? [])],
      };
      console.log(describeCompletion(commands(), shell, names));
      return 0;
    },
  });
