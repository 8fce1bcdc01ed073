import { readFileSync } from 'node:fs';
import Ajv from 'ajv';
import addFormats from 'ajv-formats';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import demo from '../../lovage.config.ts';
import { readSettings } from '../../src/settings/settings.ts';
import { AFTER_DRAIN_S } from './after-drain.ts';

interface Service {
  image?: string;
  command?: string[];
  profiles?: string[];
  environment: Record<string, string>;
  volumes?: string[];
  ports?: string[];
  restart?: string;
  stop_grace_period?: string;
  healthcheck?: { test?: string[]; disable?: boolean };
  depends_on?: Record<string, { condition: string }>;
}

const root = new URL('../../', import.meta.url);
const text = readFileSync(new URL('docker-compose.yml', root), 'utf8');
const compose = parse(text, { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};
const { services } = compose;
const workers = Object.entries(services).filter(([, { command }]) => command?.[0] === 'worker');
const flagOf = ({ command = [] }: Service, flag: string) =>
  command.includes(flag) ? command[command.indexOf(flag) + 1] : undefined;

test('docker-compose.yml fits the schema of the Compose specification', () => {
  const { $schema: _draft, ...schema } = JSON.parse(
    readFileSync(new URL('node_modules/docker-compose/schema/compose-spec.json', root), 'utf8'),
  ) as Record<string, unknown>;
  const ajv = addFormats.default(new Ajv.default({ strict: false, allErrors: true }), ['duration', 'uri']);
  // Durations of Compose are Go's, such as 1m30s.
  ajv.addFormat('duration', /^(\d+(us|ms|s|m|h))+$/);
  const fits = ajv.compile(schema);
  fits(compose);
  expect(fits.errors).toBeNull();
  fits({ services: { api: { imagee: 'x' } } });
  expect(fits.errors).not.toBeNull();
});

test('migrations run once Postgres is healthy, and API and workers once they are done', () => {
  expect(services['migrate']?.depends_on).toEqual({ postgres: { condition: 'service_healthy' } });
  for (const name of ['api', ...workers.map(([worker]) => worker)])
    expect(services[name]?.depends_on, name).toEqual({
      migrate: { condition: 'service_completed_successfully' },
    });
});

test('every container but the one that ends says how it is', () => {
  for (const [name, { healthcheck }] of workers) {
    expect(healthcheck?.test, name).toEqual(['CMD', 'node', 'bin/lovage.js', 'health', '--worker']);
  }
  expect(services['postgres']?.healthcheck?.test?.join(' ')).toContain('pg_isready');
  expect(readFileSync(new URL('Dockerfile', root), 'utf8')).toMatch(
    /HEALTHCHECK .*"lovage.js", "health"\]|HEALTHCHECK .*"health"\]/,
  );
});

test('the profile with workers of their own serves every queue once, with the slots that the packs ask for', () => {
  const apart = workers.filter(([, { profiles }]) => profiles?.includes('queues'));
  const served = apart.flatMap(([, service]) => flagOf(service, '--queues')?.split(',') ?? []);
  const queues = [...demo.queues.keys()].filter((queue) => queue !== 'diag');
  expect(served.toSorted()).toEqual(queues.toSorted());
  for (const [queue, { concurrency }] of demo.queues) {
    const alone = apart.find(([, service]) => flagOf(service, '--queues') === queue);
    if (alone) expect(flagOf(alone[1], '--concurrency'), queue).toBe(String(concurrency));
  }
  expect(workers.filter(([, { profiles }]) => !profiles).map(([name]) => name)).toEqual(['worker']);
});

test('a worker may drain before Docker kills it', () => {
  const drainS = readSettings({}).drainMs / 1_000;
  for (const [name, { stop_grace_period: grace = '10s' }] of workers)
    expect(Number.parseInt(grace), name).toBeGreaterThanOrEqual(drainS + AFTER_DRAIN_S);
});

test('what has to last is on named volumes, no port is open beyond this machine, no secret is in the file', () => {
  for (const [name, { volumes = [], ports = [] }] of Object.entries(services)) {
    for (const volume of volumes) expect(Object.keys(compose.volumes), name).toContain(volume.split(':')[0]);
    for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:/);
  }
  for (const secret of ['POSTGRES_PASSWORD', 'LOVAGE_API_KEY', 'LOVAGE_SECRET'])
    expect(text).toContain(`\${${secret}:?set ${secret}}`);
});

test('the variables that the containers get are ones that Lovage takes', () => {
  const given = Object.fromEntries(
    Object.entries(services['api']?.environment ?? {}).map(([name, value]) => [
      name,
      value.replaceAll(/\$\{(\w+)(:[?-])?([^}]*)\}/g, (_all, _name, mark: string, rest: string) =>
        mark === ':-' ? rest : 'x'.repeat(40),
      ),
    ]),
  );
  expect(readSettings(given)).toMatchObject({ host: '0.0.0.0', port: 3000, directUrl: undefined });
});
