import { describe, expect, test } from 'vitest';
import { extractItem1A } from '../../../packs/filings/analysis/extract-item-1a.ts';
import { business, cyberRisk, lawsuitRisk, makeFiling, supplyRisk } from './filing.ts';

const wanted = [supplyRisk, lawsuitRisk, cyberRisk].join('\n\n');

describe('a heading of Item 1A is known in the shape', () => {
  const shapes: Record<string, string> = {
    plain: '<p>Item 1A. Risk Factors</p>',
    'upper case with a dash': '<p>ITEM 1A - RISK FACTORS</p>',
    'upper case, old style': '<P><B>ITEM 1A. RISK FACTORS</B></P>',
    'no-break spaces':
      '<div><span style="font-weight:700">Item&#160;1A.&nbsp;&nbsp;&nbsp;Risk&nbsp;Factors</span></div>',
    'letters in several spans':
      '<p><span>I</span><span>TEM 1A</span><span>.</span> <span>R</span><span>ISK FACTORS</span></p>',
    'small capitals by font size':
      '<p><b>I<font size="1">TEM</font> 1A. R<font size="1">ISK</font> F<font size="1">ACTORS</font></b></p>',
    'letters torn by white space': '<p><b>I <font size="1">TEM</font> 1A.</b></p>',
    'table cells': '<table><tr><td>Item 1A.</td><td>Risk Factors</td></tr></table>',
    'table cells with divs':
      '<table><tr><td><div>Item 1A.</div></td><td></td><td><div>Risk Factors</div></td></tr></table>',
    'table cells without end tags': '<table><tr><td>Item 1A.<td>Risk Factors</table>',
    'title on the next line': '<p>Item 1A.</p><p>Risk Factors</p>',
    'title after a line break': '<p><b>ITEM 1A.<br>RISK FACTORS</b></p>',
    anchor: '<p><a name="risk"></a><a href="#toc">Item 1A.</a> <a name="x">Risk Factors</a></p>',
    'with the part before it': '<p>PART I, ITEM 1A. RISK FACTORS</p>',
    'bracketed letter': '<h2>Item 1(A): Risk Factors</h2>',
    'spaced letter': '<p><b>Item 1 A — Risk Factors</b></p>',
    'longer title': '<p><b>Item 1A. Risk Factors and Uncertainties</b></p>',
    'inside inline XBRL': '<ix:nonNumeric name="x"><div><b>Item 1A. Risk Factors</b></div></ix:nonNumeric>',
  };
  test.each(Object.entries(shapes))('%s', (_, heading) => {
    expect(extractItem1A(makeFiling({ heading }))).toMatchObject({ found: true, text: wanted });
  });
});

test('the table of contents never wins, whatever its shape', () => {
  const rows = [
    ['Item 1.', 'Business', '3'],
    ['Item 1A.', 'Risk Factors', '5'],
    ['Item 1B.', 'Unresolved Staff Comments', '17'],
  ];
  const table = `<table>${rows.map((row) => `<tr>${row.map((cell) => `<td><div>${cell}</div></td>`).join('')}</tr>`).join('')}</table>`;
  const lines =
    '<p>Item 1A. Risk Factors ........ 5</p><p>1B. Unresolved Staff Comments 17</p><p>2. Properties 18</p>';
  for (const tableOfContents of [table, lines]) {
    const filing = makeFiling({ tableOfContents, heading: '<p>Item 1A. Risk Factors</p>' });
    expect(extractItem1A(filing).text).toBe(wanted);
  }
});

test.each([
  ['Item 1B', '<p>ITEM 1B. UNRESOLVED STAFF COMMENTS</p>'],
  ['Item 1C', '<p><b>Item 1C. Cybersecurity</b></p><p>We have a process.</p>'],
  ['Item 2', '<p><b>Item 2.</b> Properties</p><p>We own a factory.</p>'],
  ['Item 2 in cells', '<table><tr><td>Item 2.</td><td>Properties</td></tr></table>'],
])('the span ends at %s', (_, ending) => {
  expect(extractItem1A(makeFiling({ heading: '<p>Item 1A. Risk Factors</p>', ending })).text).toBe(wanted);
});

test('a document that ends with Item 1A is read to its end', () => {
  expect(
    extractItem1A(
      `<p>Item 1. Business</p><p>${business}</p><h2>Item 1A. Risk Factors</h2><p>${supplyRisk}</p>`,
    ),
  ).toMatchObject({
    found: true,
    text: supplyRisk,
  });
});

test.each([
  'Item 1A of this Form 10-K describes our risks at length and this sentence only mentions it.',
  'Item 1A, “Risk Factors,” of our annual report is where the reader finds what may go wrong.',
  'Item 1A “Risk Factors” in our last report says more than we wish to repeat in this place.',
  'See Part I, Item 1A of this Form 10-K. It is longer than this one.',
])('a mention in prose starts no span: %s', (sentence) => {
  const filler = `<p>${business}</p>`.repeat(30);
  const filing = makeFiling({
    heading: '<p>Item 1A. Risk Factors</p>',
    ending: `<p>Item 2. Properties</p><p>${sentence}</p>${filler}`,
  });
  expect(extractItem1A(filing).text).toBe(wanted);
});

test('a mention at the start of a paragraph within Item 1A does not cut it short', () => {
  const body = `<p>${supplyRisk}</p><p>Item 7, “Management’s Discussion,” says more.</p><p>Item 2 of this report lists them.</p><p>${cyberRisk}</p>`;
  expect(extractItem1A(makeFiling({ heading: '<p>Item 1A. Risk Factors</p>', body })).text).toContain(
    cyberRisk,
  );
});

test('a smaller company’s "Not applicable" is its Item 1A', () => {
  for (const heading of [
    '<p><b>Item 1A. Risk Factors. Not applicable.</b></p>',
    '<p><b>Item 1A. Risk Factors</b></p><p>Not applicable.</p>',
  ]) {
    expect(extractItem1A(makeFiling({ heading, body: '' }))).toMatchObject({
      found: true,
      text: 'Not applicable.',
    });
  }
});

test('the "Executive Officers" that Item 1A was before 2005 are not risk factors', () => {
  const heading = '<p><b>Item 1A. Executive Officers of the Registrant</b></p>';
  expect(extractItem1A(makeFiling({ heading }))).toMatchObject({ found: false });
});

test('a heading that runs into its first paragraph leaves the paragraph', () => {
  const filing = makeFiling({ heading: '', body: `<p><b>Item 1A. Risk Factors.</b> ${supplyRisk}</p>` });
  expect(extractItem1A(filing)).toMatchObject({ found: true, text: supplyRisk });
});

test('a document without Item 1A comes back whole and flagged', () => {
  const { found, text } = extractItem1A(
    `<h1>Letter to shareholders</h1><p>${supplyRisk}</p><p>${business}</p>`,
  );
  expect(found).toBe(false);
  expect(text).toBe(`Letter to shareholders\n\n${supplyRisk}\n\n${business}`);
});

test('page numbers and running heads are left out, and a sentence they cut is whole again', () => {
  const [left, right] = [supplyRisk.slice(0, 96), supplyRisk.slice(97)];
  const turn = (page: number) =>
    `<div>Pumps Inc. | 2020 Form 10-K | ${page}</div><div>${page}</div><hr style="page-break-after:always"><div><a href="#toc">Table of Contents</a></div><p>Item 1A. Risk Factors (continued)</p>`;
  const body = `<p>${left}</p>${turn(5)}<p>${right}</p>${turn(6)}<p>${lawsuitRisk}</p>${turn(7)}<p>${cyberRisk}</p>${turn(8)}`;
  expect(extractItem1A(makeFiling({ heading: '<p><b>Item 1A. Risk Factors</b></p>', body })).text).toBe(
    wanted,
  );
});

test('page numbers and links to the contents go even where no page break is marked', () => {
  const body = `<p>${supplyRisk}</p><p>- 12 -</p><p>Table of Contents</p><p>${lawsuitRisk}</p><p>Page 13 of 90</p><p>${cyberRisk}</p><p>xiv</p>`;
  expect(extractItem1A(makeFiling({ heading: '<p><b>Item 1A. Risk Factors</b></p>', body })).text).toBe(
    wanted,
  );
});

test('text without tags is read by its empty lines', () => {
  const text = `ITEM 1. BUSINESS\n\n${business}\n\nITEM 1A.  RISK FACTORS\n\n${supplyRisk.replace('that supplier', 'that\nsupplier')}\n\nITEM 2.  PROPERTIES\n\nNone.`;
  for (const html of [text, `<html><body><pre>${text}</pre></body></html>`]) {
    expect(extractItem1A(html)).toMatchObject({ found: true, text: supplyRisk });
  }
});
