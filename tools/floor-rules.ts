import type { ICruiseOptions, IForbiddenRuleType } from 'dependency-cruiser';

/** One floor of the house: imports only go down, so each lists what it may not reach. */
const floor = (name: string, from: string, forbidden: string): IForbiddenRuleType => ({
  name,
  severity: 'error',
  from: { path: from },
  to: { path: forbidden },
});

const entryPoints = '^src/(cli|dashboard|testing)/';
const api = '^src/api/';
const worker = '^src/worker/';
const verbs = '^src/(tasks|queues|schedules|batches|webhooks|keys|audit|definitions|archive|workers|stats)/';
/** What opens a database, what the verbs stand on, and the public entry. */
const openers = '^src/(open|lovage|index)\\.ts$';
const queue = '^src/queue/';
const metrics = '^src/metrics/';
const db = '^src/(db/|transient\\.ts$)';
const leafFolders = 'embedded-postgres|egress|grants|json|settings|tracing|wire';
const leafFiles = [
  'task|task-defaults|dialect|pack|merge-packs|mounts|config|load-config',
  'errors|stop-reasons|log|redact|secret|vault|wire|uuid',
].join('|');
const leaves = `^src/((${leafFolders})/|(${leafFiles})\\.ts$)`;
const packs = '^packs/';

export const forbidden: IForbiddenRuleType[] = [
  floor('api-goes-down', api, `${entryPoints}|${worker}|${packs}`),
  floor('worker-goes-down', worker, `${entryPoints}|${api}|${packs}`),
  floor('verbs-go-down', verbs, `${entryPoints}|${api}|${worker}|${packs}`),
  floor('openers-go-down', openers, `${entryPoints}|${api}|${worker}|${packs}`),
  floor('queue-goes-down', queue, `${entryPoints}|${api}|${worker}|${verbs}|${packs}`),
  floor('metrics-go-down', metrics, `${entryPoints}|${api}|${worker}|${verbs}|${queue}|${packs}`),
  floor(
    'db-goes-down',
    db,
    `${entryPoints}|${api}|${worker}|${verbs}|${queue}|${metrics}|${openers}|${packs}`,
  ),
  floor(
    'leaves-stand-on-the-ground',
    leaves,
    `${entryPoints}|${api}|${worker}|${verbs}|${queue}|${metrics}|${db}|${openers}|${packs}`,
  ),
  floor('nothing-in-src-knows-a-pack', '^src/', packs),
  {
    name: 'packs-use-the-public-entry',
    severity: 'error',
    from: { path: packs },
    to: { path: '^src/', pathNot: '^src/((client|testing)/)?index\\.ts$' },
  },
  {
    name: 'one-importer-of-pg-boss',
    severity: 'error',
    from: { path: '^(src|packs)/', pathNot: queue },
    to: { path: 'node_modules/pg-boss' },
  },
  {
    name: 'client-is-browser-safe',
    severity: 'error',
    from: { path: '^src/client/' },
    to: { dependencyTypes: ['core'] },
  },
  {
    name: 'no-circles',
    severity: 'error',
    from: {},
    to: { circular: true },
  },
  { name: 'resolvable', severity: 'error', from: { path: '^(src|packs)/' }, to: { couldNotResolve: true } },
];

export const options: ICruiseOptions = {
  parser: 'swc',
  tsPreCompilationDeps: true,
  doNotFollow: { path: 'node_modules' },
  enhancedResolveOptions: {
    exportsFields: ['exports'],
    conditionNames: ['lovage-source', 'import', 'node', 'default', 'types'],
  },
};
