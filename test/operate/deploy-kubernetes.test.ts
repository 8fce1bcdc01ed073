import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { readSettings } from '../../src/settings/settings.ts';
import { openLab, type Lab } from '../lab.ts';
import { AFTER_DRAIN_S } from './after-drain.ts';

const folder = new URL('../../deploy/kubernetes/', import.meta.url);
const probe = z.looseObject({
  httpGet: z.object({ path: z.enum(['/healthz', '/readyz']), port: z.literal('http') }).optional(),
  exec: z.object({ command: z.array(z.string()).min(1) }).optional(),
});
const container = z.looseObject({
  name: z.string(),
  image: z.string(),
  args: z.array(z.string()).min(1),
  env: z.array(z.strictObject({ name: z.string(), value: z.string() })).default([]),
  envFrom: z.array(z.object({ secretRef: z.object({ name: z.literal('lovage') }) })),
  livenessProbe: probe.optional(),
  readinessProbe: probe.optional(),
  startupProbe: probe.optional(),
  resources: z.object({
    requests: z.object({ cpu: z.string(), memory: z.string() }),
    limits: z.object({ memory: z.string() }),
  }),
  securityContext: z.object({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.object({ drop: z.tuple([z.literal('ALL')]) }),
  }),
});
const labels = z.record(z.string(), z.string());
const pod = z.object({
  metadata: z.object({ labels }),
  spec: z.looseObject({
    terminationGracePeriodSeconds: z.int().optional(),
    automountServiceAccountToken: z.literal(false),
    securityContext: z.looseObject({ runAsNonRoot: z.literal(true), runAsUser: z.int().min(1) }),
    initContainers: z.array(container).default([]),
    containers: z.array(container).length(1),
  }),
});
const named = { metadata: z.object({ name: z.string().regex(/^[a-z][a-z0-9-]*$/) }) };
const chosen = z.object({ matchLabels: labels });

/** The fields that Kubernetes and KEDA insist on, as their references say. */
const object = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('Deployment'),
    apiVersion: z.literal('apps/v1'),
    ...named,
    spec: z.looseObject({ replicas: z.int(), selector: chosen, template: pod }),
  }),
  z.object({
    kind: z.literal('Job'),
    apiVersion: z.literal('batch/v1'),
    ...named,
    spec: z.looseObject({
      template: pod.extend({
        spec: pod.shape.spec.extend({ restartPolicy: z.enum(['Never', 'OnFailure']) }),
      }),
    }),
  }),
  z.object({
    kind: z.literal('Service'),
    apiVersion: z.literal('v1'),
    ...named,
    spec: z.object({
      selector: labels,
      ports: z.array(z.object({ name: z.string(), port: z.int(), targetPort: z.literal('http') })),
    }),
  }),
  z.object({
    kind: z.literal('PodDisruptionBudget'),
    apiVersion: z.literal('policy/v1'),
    ...named,
    spec: z.looseObject({ selector: chosen }),
  }),
  z.object({ kind: z.literal('Secret'), apiVersion: z.literal('v1'), ...named, stringData: labels }),
  z.object({
    kind: z.literal('Kustomization'),
    apiVersion: z.literal('kustomize.config.k8s.io/v1beta1'),
    resources: z.array(z.string()),
  }),
  z.object({
    kind: z.literal('TriggerAuthentication'),
    apiVersion: z.literal('keda.sh/v1alpha1'),
    ...named,
    spec: z.object({
      secretTargetRef: z.array(
        z.object({ parameter: z.literal('connection'), name: z.literal('lovage'), key: z.string() }),
      ),
    }),
  }),
  z.object({
    kind: z.literal('ScaledObject'),
    apiVersion: z.literal('keda.sh/v1alpha1'),
    ...named,
    spec: z.looseObject({
      scaleTargetRef: z.object({ name: z.string() }),
      minReplicaCount: z.int().min(1),
      maxReplicaCount: z.int(),
      triggers: z.array(
        z.object({
          type: z.literal('postgresql'),
          metadata: z.strictObject({ query: z.string(), targetQueryValue: z.string().regex(/^\d+$/) }),
          authenticationRef: z.object({ name: z.literal('lovage') }),
        }),
      ),
    }),
  }),
]);

const objects = readdirSync(folder).flatMap((file) =>
  parseAllDocuments(readFileSync(new URL(file, folder), 'utf8')).map((document) => {
    expect(document.errors, file).toEqual([]);
    return object.parse(document.toJS());
  }),
);
const find = <Kind extends (typeof objects)[number]['kind']>(kind: Kind, name: string) => {
  const found = objects.find(
    (each) => each.kind === kind && 'metadata' in each && each.metadata.name === name,
  );
  if (!found) throw new Error(`there is no ${kind} ${name}`);
  return found as Extract<(typeof objects)[number], { kind: Kind }>;
};
const worker = find('Deployment', 'lovage-worker').spec.template.spec;

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

test('what chooses pods chooses some', () => {
  const pods = objects.flatMap((each) =>
    each.kind === 'Deployment' ? [each.spec.template.metadata.labels] : [],
  );
  for (const each of objects) {
    if (each.kind !== 'Service' && each.kind !== 'Deployment' && each.kind !== 'PodDisruptionBudget')
      continue;
    const wanted = each.kind === 'Service' ? each.spec.selector : each.spec.selector.matchLabels;
    expect(pods, each.kind).toContainEqual(expect.objectContaining(wanted));
  }
});

test('a worker may drain before its pod is killed', () => {
  const [main] = worker.containers;
  const settings = readSettings(
    Object.fromEntries((main?.env ?? []).map(({ name, value }) => [name, value])),
  );
  expect(worker.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(
    settings.drainMs / 1_000 + AFTER_DRAIN_S,
  );
});

test('no probe restarts a process because Postgres is away', () => {
  expect(worker.containers[0]?.livenessProbe).toBeUndefined();
  const [api] = find('Deployment', 'lovage-api').spec.template.spec.containers;
  expect(api?.livenessProbe?.httpGet?.path).toBe('/healthz');
  expect(api?.readinessProbe?.httpGet?.path).toBe('/readyz');
});

test('every variable that it sets is one that Lovage takes, and the secret’s example holds only examples', () => {
  const { stringData } = find('Secret', 'lovage');
  expect(readSettings(stringData)).toMatchObject({ apiKey: stringData['LOVAGE_API_KEY'] });
  for (const value of Object.values(stringData)) expect(value).toContain('change-me');
  const { secretTargetRef } = find('TriggerAuthentication', 'lovage').spec;
  for (const { key } of secretTargetRef) expect(Object.keys(stringData)).toContain(key);
});

test('the number of workers follows a query that Postgres takes', async () => {
  const { scaleTargetRef, triggers } = find('ScaledObject', 'lovage-worker').spec;
  find('Deployment', scaleTargetRef.name);
  for (const { metadata } of triggers) {
    const rows = await lab.sql(metadata.query);
    expect(rows).toHaveLength(1);
    expect(Number(Object.values(rows[0] ?? {})[0])).toBe(0);
    const args = worker.containers[0]?.args ?? [];
    expect(metadata.targetQueryValue).toBe(args[args.indexOf('--concurrency') + 1]);
  }
});

const hasKubectl = (() => {
  try {
    execFileSync('kubectl', ['version', '--client'], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn('kubectl is not installed: deploy/kubernetes is not built with it');
    return false;
  }
})();

test.skipIf(!hasKubectl)('kubectl builds the whole from its parts, with the image of the application', () => {
  const built = execFileSync('kubectl', ['kustomize', fileURLToPath(folder)], { encoding: 'utf8' });
  const parts = parseAllDocuments(built).map((document) => object.parse(document.toJS()));
  expect(parts.map(({ kind }) => kind).toSorted()).toEqual([
    'Deployment',
    'Deployment',
    'PodDisruptionBudget',
    'PodDisruptionBudget',
    'Service',
  ]);
  expect(built).not.toContain('image: lovage-app');
});
