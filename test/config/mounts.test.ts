import { expect, test } from 'vitest';
import { defineConfig } from '../../src/config.ts';
import { welcome } from '../../src/cli/welcome.ts';
import { readMounts } from '../../src/mounts.ts';
import { readSettings } from '../../src/settings/settings.ts';
import { definePack } from '../../src/pack.ts';
import { shop } from '../fixtures/shop/config.ts';

const stall = definePack({ name: 'market-stall2', tasks: [], dialect: shop.dialect ?? never() });
const plain = definePack({ name: 'plain', tasks: [] });
const packs = [shop, stall, plain] as const;

function never(): never {
  throw new Error('the shop has a dialect');
}

const mountsOf = (env: Record<string, string>, mounts = {}) =>
  Object.fromEntries(readMounts(defineConfig({ packs, mounts }), env));

test('the environment wins over the configuration, option by option', () => {
  const mounts = { shop: { port: 4001, open: true }, 'market-stall2': { host: 'stall.example.com' } };
  expect(mountsOf({}, mounts)).toEqual(mounts);
  expect(
    mountsOf(
      { LOVAGE_SHOP_PORT: '4002', LOVAGE_SHOP_OPEN: '0', LOVAGE_MARKET_STALL2_HOST: 'S.example.com' },
      mounts,
    ),
  ).toEqual({ shop: { port: 4002, open: false }, 'market-stall2': { host: 's.example.com' } });
  expect(mountsOf({ LOVAGE_SHOP_PORT: '', LOVAGE_PLAIN_PORT: 'x' }, mounts)).toEqual(mounts);
});

test.each([
  ['LOVAGE_SHOP_PORT', '80a', /^LOVAGE_SHOP_PORT: must be a whole number/],
  ['LOVAGE_SHOP_PORT', '70000', /^LOVAGE_SHOP_PORT: must be 0 to 65535$/],
  ['LOVAGE_SHOP_HOST', 'shop.example.com:80', /^LOVAGE_SHOP_HOST: must be a host name/],
  ['LOVAGE_SHOP_HOST', 'http://shop', /^LOVAGE_SHOP_HOST: must be a host name/],
  ['LOVAGE_SHOP_OPEN', 'maybe', /^LOVAGE_SHOP_OPEN: must be true or false$/],
])('%s=%s ends the start with one line', (variable, value, line) => {
  expect(() => mountsOf({ [variable]: value })).toThrow(line);
});

test('a mount that makes no sense ends the start with one line', () => {
  const define = (mounts: Record<string, object>) => () => defineConfig({ packs, mounts });
  expect(define({ shopp: {} })).toThrow(/^mounts: "shopp" is no pack of this configuration$/);
  expect(define({ plain: {} })).toThrow(/^mounts: "plain" has no dialect$/);
  expect(define({ shop: { port: 1.5 } })).toThrow(/^mounts: "shop": port: must be a whole number$/);
  expect(define({ shop: { prot: 1 } })).toThrow(/^mounts: "shop": .*prot/);
  expect(define({ shop: { port: 4001 }, 'market-stall2': { port: 4001 } })).toThrow(
    /^packs "shop" and "market-stall2" both want port 4001$/,
  );
  expect(() => mountsOf({ LOVAGE_SHOP_HOST: 'a.b', LOVAGE_MARKET_STALL2_HOST: 'A.b' })).toThrow(
    /both want host a\.b$/,
  );
  expect(define({ shop: { port: 0 }, 'market-stall2': { port: 0 } })).not.toThrow();
});

test('what starts says where each dialect answers', () => {
  const text = welcome({
    url: 'http://127.0.0.1:3000',
    dialects: {
      shop: ['http://127.0.0.1:3000/shop', 'http://127.0.0.1:4001'],
      stall: ['http://127.0.0.1:3000/stall'],
    },
    config: defineConfig({ packs }),
    settings: readSettings({}),
    isEmbedded: true,
    key: 'k',
    isKeyGiven: false,
  });
  expect(text).toContain('Dialects   shop: http://127.0.0.1:3000/shop and http://127.0.0.1:4001\n');
  expect(text).toContain('           stall: http://127.0.0.1:3000/stall\n');
});
