import { describe, expect, test } from 'vitest';
import { readBlocks } from '../../../packs/filings/analysis/read-blocks.ts';

const textsOf = (html: string) => readBlocks(html).map((block) => block.text);

test('block elements break paragraphs, inline elements do not', () => {
  expect(textsOf('<div>One <b>bo</b>ld<i> word</i><p>Two</p>three<br>four</div>')).toEqual([
    'One bold word',
    'Two',
    'three',
    'four',
  ]);
});

test('hidden text, scripts, styles and the XBRL header are dropped', () => {
  const html = `<title>T</title><style>p{}</style><script>if (a < b) {}</script><ix:header><ix:hidden><p>dei</p></ix:hidden></ix:header>
    <div style="display: none"><p>context <b>x</b></p></div><p hidden>y</p><p>Seen <ix:nonNumeric name="a">and <ix:nonFraction>12</ix:nonFraction></ix:nonNumeric></p>`;
  expect(textsOf(html)).toEqual(['Seen and 12']);
});

test('entities, old Windows entities included, become characters', () => {
  expect(textsOf('<p>Pump&#146;s&nbsp;R&amp;D &#8220;x&#8221; &mdash; &#x2019;</p>')).toEqual([
    'Pump’s R&D “x” — ’',
  ]);
});

test('what Postgres refuses in text does not come through', () => {
  expect(textsOf('<p>a\u0000b \uD800c co\u00ADop</p>')).toEqual(['ab �c coop']);
});

test('a self-closing element holds nothing', () => {
  expect(textsOf('<div style="display:none"/><p>Seen</p><a name="x"/><p>too</p>')).toEqual(['Seen', 'too']);
});

test('a layout table keeps its paragraphs, a row of bullets is one line', () => {
  expect(
    textsOf('<table><tr><td><p>One.</p><p>Two.</p></td></tr><tr><td>•</td><td>Three.</td></tr></table>'),
  ).toEqual(['One.', 'Two.', '• Three.']);
  expect(
    textsOf(
      '<table><tr><td><table><tr><td>A</td></tr><tr><td>B</td></tr></table></td><td>C</td></tr></table>',
    ),
  ).toEqual(['A', 'B', 'C']);
});

test('rows and cells end where the next begins, with or without end tags', () => {
  expect(textsOf('<table><tr><td>A<td>B<tr><td><b>C<td>D</table>')).toEqual(['A B', 'C D']);
  expect(readBlocks('<table><tr><td><b>C<td>D<tr><td>E</table>')[1]).toMatchObject({
    text: 'E',
    emphasized: false,
  });
});

describe('emphasis', () => {
  test.each([
    ['<p><b>Bold</b></p>', true],
    ['<p><span style="font-style:italic">Italic</span>.</p>', true],
    ['<div style="FONT-WEIGHT:bold"><span>Inherited</span></div>', true],
    ['<h3>Heading</h3>', true],
    ['<p><u>Underlined</u></p>', true],
    ['<p><b><span style="font-weight:400">Taken back</span></b></p>', false],
    ['<p><b>Half</b> and half</p>', false],
    ['<p><a style="text-decoration:underline" href="#">link</a> text</p>', false],
  ])('%s', (html, emphasized) => {
    expect(readBlocks(html)).toMatchObject([{ emphasized }]);
  });

  test('a paragraph’s bold opening words are its lead', () => {
    expect(readBlocks('<p><b>We may fail. </b>The reasons are many.</p>')).toMatchObject([
      { lead: 'We may fail.' },
    ]);
  });
});

describe('hostile markup is read in linear time', () => {
  test.each([
    ['deep nesting', '<div>'.repeat(100_000) + 'text' + '</div>'.repeat(100_000)],
    ['nested tables', '<table><tr><td>x'.repeat(50_000) + '</td></tr></table>'.repeat(50_000)],
    ['dangling elements and stray ends', '<font>'.repeat(200_000) + 'x</b>'.repeat(200_000)],
    ['cells that never end', '<table><tr>' + '<td>x'.repeat(200_000)],
    ['angle brackets', '<'.repeat(2_000_000)],
    ['a style of spaces', `<p style="display${' '.repeat(2_000_000)}">x</p>`],
  ])('%s', { timeout: 30_000 }, (_, html) => {
    const start = process.cpuUsage();
    expect(readBlocks(html).length).toBeGreaterThan(0);
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1000).toBeLessThan(3000);
  });
});
