import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { COMMANDS } from '../../src/cli/commands/index.ts';
import { type Dashboard, readProjectFile } from './monitoring-files.ts';

interface Rule {
  alert: string;
  expr: string;
  annotations: { action: string };
}
interface RuleTest {
  alert_rule_test: { alertname: string; exp_alerts: unknown[] }[];
}

const readRules = async () => {
  const { groups } = parse(await readProjectFile('deploy/prometheus/alerts.yml')) as {
    groups: { rules: Rule[] }[];
  };
  return groups.flatMap(({ rules }) => rules);
};

test('every alert has a test in which it fires, and one in which it does not', async () => {
  const { tests } = parse(await readProjectFile('deploy/prometheus/alerts.test.yml')) as {
    tests: RuleTest[];
  };
  const cases = tests.flatMap(({ alert_rule_test }) => alert_rule_test);
  const names = (fires: boolean) =>
    new Set(cases.filter(({ exp_alerts }) => exp_alerts.length > 0 === fires).map((one) => one.alertname));
  const alerts = (await readRules()).map(({ alert }) => alert).toSorted();
  expect([...names(true)].toSorted()).toEqual(alerts);
  expect([...names(false)].toSorted()).toEqual(alerts);
});

test('the commands that alerts advise exist', async () => {
  const known = new Set(COMMANDS.map(({ name }) => name));
  const advised = (await readRules()).flatMap(({ annotations }) =>
    Array.from(annotations.action.matchAll(/`lovage ([a-z]+(?: [a-z]+)?)/g), ([, name = '']) => name),
  );
  expect(advised.length).toBeGreaterThan(3);
  expect(advised.filter((name) => !known.has(name))).toEqual([]);
});

test('what every process says of the database is never summed over processes', async () => {
  const page = await readProjectFile('docs/observe.md');
  const [table = ''] = page.split('| of the database |').slice(1);
  const ofDatabase = Array.from(
    table.split('\n\n')[0]?.matchAll(/^\| `(\w+)`/gm) ?? [],
    ([, name = '']) => name,
  );
  expect(ofDatabase).toContain('lovage_queue_tasks');
  const { panels } = JSON.parse(await readProjectFile('deploy/grafana/lovage.json')) as Dashboard;
  const expressions = [
    ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...(await readRules()).map(({ expr }) => expr),
  ];
  const taken = /(?:max|min|absent)(?: by \([a-z, ]+\))? ?\((?:lovage_\w+)/g;
  for (const expr of expressions) {
    const bare = expr.replaceAll(taken, '');
    for (const name of ofDatabase) expect(bare, expr).not.toMatch(new RegExp(`\\b${name}\\b`));
  }
});

test('the dashboard can be imported: a data source to choose, and panels that do not overlap', async () => {
  const { panels, templating, schemaVersion } = JSON.parse(
    await readProjectFile('deploy/grafana/lovage.json'),
  ) as Dashboard;
  expect(schemaVersion).toBeGreaterThanOrEqual(36);
  expect(templating.list.find(({ name }) => name === 'datasource')?.type).toBe('datasource');
  const places = new Set<string>();
  for (const { title, gridPos, targets, datasource } of panels) {
    for (const { uid } of [datasource, ...targets.map((target) => target.datasource)])
      expect(uid, title).toBe('${datasource}');
    expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
    expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) places.add(`${x} ${gridPos.y}`);
  }
  expect(places.size).toBe(panels.reduce((sum, { gridPos }) => sum + gridPos.w, 0));
});
