import { fileURLToPath } from 'node:url';
import type { Config } from '../config.ts';
import type { Settings } from '../settings/settings.ts';

/** What `lovage dev` prints once it is ready: the address, the key, and a line that works as printed. */
export function welcome(options: {
  url: string;
  /** Where each pack's dialect answers. */
  dialects: Record<string, string[]>;
  config: Config;
  settings: Settings;
  isEmbedded: boolean;
  key: string | undefined;
  isKeyGiven: boolean;
}): string {
  const { url, dialects, config, settings, isEmbedded, key, isKeyGiven } = options;
  // A key that somebody set is a secret of theirs: it is named, not printed.
  const shownKey = isKeyGiven || key === undefined ? '$LOVAGE_API_KEY' : key;
  const keyLine = isKeyGiven
    ? 'the one in LOVAGE_API_KEY'
    : (key ?? 'make one with: lovage keys create NAME');
  return `
  Lovage is ready

  API        ${url}/v1      docs ${url}/docs
  tRPC       ${url}/trpc
  API key    ${keyLine}
  Postgres   ${isEmbedded ? `embedded, in ${settings.dataDir}` : 'the one of DATABASE_URL'}
  Tasks      ${[...config.tasks.keys()].join(', ') || 'none: register a pack in lovage.config.ts'}${dialectLines(dialects)}

  Try it:

    curl -sS "${url}/v1/tasks?limit=5" -H "Authorization: Bearer ${shownKey}"
${tryTask(config, url, shownKey)}`;
}

function dialectLines(dialects: Record<string, string[]>): string {
  return Object.entries(dialects)
    .map(
      ([pack, urls], index) =>
        `\n  ${index === 0 ? 'Dialects ' : '         '}  ${pack}: ${urls.join(' and ')}`,
    )
    .join('');
}

/** The first example that a registered pack brings along, as a line that works as printed in any folder. */
function tryTask(config: Config, url: string, key: string): string {
  const example = config.packs.find((pack) => pack.example)?.example;
  if (!example) return '';
  const body =
    typeof example.input === 'string' ? `'${example.input}'` : `@'${fileURLToPath(example.input)}'`;
  return `
    curl -sS "${url}/v1/tasks/${example.task}?async=false" -H "Authorization: Bearer ${key}" \\
      -H "Content-Type: application/json" -d ${body}
`;
}
