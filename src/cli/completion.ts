import type { Candidates, Command } from './command.ts';

export const SHELLS = ['bash', 'zsh'] as const;
export type Shell = (typeof SHELLS)[number];
export const isShell = (text: string): text is Shell => SHELLS.some((shell) => shell === text);

type Names = Record<Extract<Candidates, string>, readonly string[]>;

/** A function of the shell that knows the table of commands: completing starts no process. */
export function describeCompletion(commands: readonly Command[], shell: Shell, names: Names): string {
  const [before, after] = FRAMES[shell];
  return `${before}\n${choose(commands, names)}\n${after}`;
}

/** `path` is the command so far, `prev` the word before the one that is typed, `nth` how many words follow the command. */
function choose(commands: readonly Command[], names: Names): string {
  const groups = Map.groupBy(
    commands.filter(({ name }) => name.includes(' ')),
    ({ name }) => name.split(' ')[0] ?? name,
  );
  const firsts = [
    ...commands.map(({ name }) => name.split(' ')[0] ?? name),
    ...commands.flatMap(({ aliases = [] }) => aliases),
  ];
  const forms = commands.flatMap((command) =>
    [command.name, ...(command.aliases ?? [])].map((name) => ({ name, command })),
  );
  return [
    '  case "$first" in',
    `    ${[...groups.keys()].join('|')}) path="$first $second"; nth=$((at - 3)); [ "$at" -le 2 ] && path="$first" ;;`,
    '    *) path="$first"; nth=$((at - 2)) ;;',
    '  esac',
    '  [ "$at" -le 1 ] && path=""',
    '  case "$path $prev" in',
    ...forms.flatMap(({ name, command }) => valueCases(name, command, names)),
    '    *) case "$path" in',
    `      "") words=${quoted(firsts)} ;;`,
    ...[...groups].map(([group, members]) => {
      const list = members.find(({ name }) => name === `${group} list`);
      const verbs = members.map(({ name }) => name.slice(group.length + 1));
      // A group alone lists, so that options may follow it.
      const inPlace = list
        ? `case "$cur" in -*) words=${quoted(optionsOf(list))} ;; *) words=${quoted(verbs)} ;; esac`
        : `words=${quoted(verbs)}`;
      return `      ${shellWord(group)}) ${inPlace} ;;`;
    }),
    ...forms.map(
      ({ name, command }) =>
        `      ${shellWord(name)}) words=${quoted(optionsOf(command))}${argumentsOf(command, names)} ;;`,
    ),
    '    esac ;;',
    '  esac',
  ].join('\n');
}

const listed = (candidates: Candidates, names: Names): readonly string[] =>
  typeof candidates === 'string' ? names[candidates] : candidates;

function valueCases(name: string, { options = {} }: Command, names: Names): string[] {
  return Object.entries(options).flatMap(([option, { kind, ...rest }]) => {
    if (kind === 'flag') return [];
    const completes = 'completes' in rest ? rest.completes : undefined;
    return [
      `    ${shellWord(`${name} --${option}`)}) words=${quoted(completes ? listed(completes, names) : [])} ;;`,
    ];
  });
}

const optionsOf = ({ options = {} }: Command): string[] => [
  ...Object.keys(options).map((option) => `--${option}`),
  '--help',
];

/** The names for the first word, as long as no option is typed. */
function argumentsOf({ arguments: wanted = [] }: Command, names: Names): string {
  const candidates = wanted[0]?.completes;
  if (!candidates) return '';
  return `; case "$cur" in -*) ;; *) [ "$nth" -le 0 ] && words=${quoted(listed(candidates, names))} ;; esac`;
}

/** Names are letters, digits and a few marks; anything else is left out rather than trusted. */
const quoted = (words: readonly string[]): string =>
  `'${[...new Set(words)].filter((word) => /^[\w.:@+-]+$/.test(word)).join(' ')}'`;
const shellWord = (text: string): string => `'${text}'`;

const FRAMES: Record<Shell, readonly [before: string, after: string]> = {
  bash: [
    `# lovage completion bash
_lovage() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  local first=\${COMP_WORDS[1]} second=\${COMP_WORDS[2]} at=$COMP_CWORD path= words= nth=0`,
    `  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _lovage lovage`,
  ],
  zsh: [
    `#compdef lovage
# lovage completion zsh
_lovage() {
  local cur=\${words[CURRENT]} prev=\${words[CURRENT-1]} first=\${words[2]} second=\${words[3]}
  local at=$((CURRENT - 1)) path= nth=0
  local -a typed=("\${words[@]}")
  local words=`,
    `  compadd -- \${=words}
}
if [ "$funcstack[1]" = _lovage ]; then _lovage "$@"; else compdef _lovage lovage; fi`,
  ],
};
