const SECRET = '(?:pass(?:word|wd|phrase)|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)';

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // Drizzle puts the values of a statement's parameters into its errors, message and stack: whole rows.
  [/(Failed query: [^]*?\nparams: )[^]*?(?=\n {4}at |$(?![^]))/g, '$1[redacted]'],
  // postgres://app:hunter2@db/app
  [/([a-z][a-z0-9+.-]{0,20}:\/\/[^\s:/@]*):[^\s/@]+@/gi, '$1:[redacted]@'],
  [/(\bauthorization["']?\s*[:=]\s*["']?(?:(?:bearer|basic)\s+)?)[^\s"',;}\])]+/gi, '$1[redacted]'],
  [/\b(Bearer\s+)[\w.~+/=-]{8,}/g, '$1[redacted]'],
  // password=hunter2, "apiKey": "k", ?token=t
  [new RegExp(`(${SECRET}["']?\\s*[=:]\\s*["']?)[^\\s"'&,;}\\])]+`, 'gi'), '$1[redacted]'],
  // Lovage's own keys, and secrets of webhooks.
  [/\b(lv_|whsec_)[\w+/=-]{8,}/g, '$1[redacted]'],
];

/** A text that may hold secrets, such as an error's message, without those that can be told by their looks. */
export function redactSecrets(text: string): string {
  return PATTERNS.reduce((redacted, [pattern, instead]) => redacted.replace(pattern, instead), text);
}

/** Below it a value is a word that a text may well hold for another reason. */
const MIN_HIDDEN = 8;
const HOLDS_SECRETS = /pass|secret|token|key$|url$/i;

/** A text without the values of those variables whose names say that they are secret or may hold one. */
export function hideValues(text: string, env: NodeJS.ProcessEnv): string {
  return Object.entries(env).reduce(
    (hidden, [name, value = '']) =>
      value.length >= MIN_HIDDEN && HOLDS_SECRETS.test(name) ? hidden.replaceAll(value, `[${name}]`) : hidden,
    text,
  );
}
