import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Played } from './stage.ts';
import type { CardsShown } from './systems/cards.ts';
import type { FilingsShown } from './systems/filings.ts';
import type { RetroShown } from './systems/retros.ts';
import type { VisualsShown } from './systems/visuals.ts';

export interface Shown {
  cards: CardsShown;
  retros: RetroShown;
  visuals: VisualsShown;
  filings: FilingsShown;
  played: readonly Played[];
  seconds: number;
}

/** A page that shows what the tasks made: one file beside them, without scripts. */
export async function writePage(folder: string, shown: Shown): Promise<void> {
  await writeFile(join(folder, 'index.html'), renderPage(shown));
}

const renderPage = (shown: Shown): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>What Lovage made</title>
<style>${STYLE}</style>
<header>
  <h1>What Lovage made</h1>
  <p>${shown.played.length} tasks of four systems, sent through HTTP and finished in ${shown.seconds.toFixed(1)} s.</p>
</header>
<main>
${renderVisuals(shown.visuals)}
${renderRetros(shown.retros)}
${renderFilings(shown.filings)}
${renderCards(shown.cards)}
${renderTasks(shown.played)}
</main>
</html>
`;

const renderVisuals = ({ preview, comparison, exports, infographic }: VisualsShown): string => `<section>
<h2>Visuals</h2>
<p>Previews are illustrations, not predictions; the face is drawn.</p>
<div class="pictures">
${[preview, infographic, ...comparison].map(({ file, title }) => figure(file, title)).join('\n')}
</div>
<h3>A patient’s report, in four formats</h3>
<div class="report">
<object data="${exports.pdf}" type="application/pdf"><a href="${exports.pdf}">${exports.pdf}</a></object>
<div><div class="tall">${figure(exports.png, 'As PNG')}</div><p><a href="${exports.jpeg}">As JPEG</a> · <a href="${exports.pdf}">as PDF</a> · <a href="${exports.json}">as JSON</a></p></div>
</div>
</section>`;

const renderRetros = ({
  headline,
  summary,
  hypotheses,
  suggested_experiments,
}: RetroShown): string => `<section>
<h2>Retrospectives</h2>
<h3>${escape(headline)}</h3>
<p>${escape(summary)}</p>
<ul>${hypotheses.map(({ title, description, confidence }) => `<li><b>${escape(title)}</b> (${escape(confidence)}): ${escape(description)}</li>`).join('')}</ul>
<h4>To try</h4>
<ul>${suggested_experiments.map(({ title, description }) => `<li><b>${escape(title)}</b>: ${escape(description)}</li>`).join('')}</ul>
<p><a href="retrospective.json">The whole report</a></p>
</section>`;

const renderFilings = ({ ticker, year, risks }: FilingsShown): string => `<section>
<h2>Filings</h2>
<h3>Risks that ${escape(ticker)} names in its report of ${year}, held against the year before</h3>
<table>
<thead><tr><th>Risk</th><th>Category</th><th>Severity</th><th>Novelty</th></tr></thead>
<tbody>${risks.map(({ text, category, severity, novelty }) => `<tr><td>${escape(shorten(text))}</td><td>${escape(category)}</td><td>${meter(severity.value)}</td><td>${meter(novelty.value)}</td></tr>`).join('\n')}</tbody>
</table>
<p><a href="filing-risks.json">All of them</a></p>
</section>`;

const renderCards = ({ notes, warnings }: CardsShown): string => `<section>
<h2>Cards</h2>
<ul>${notes.map(({ word, example, translation }) => `<li><b>${escape(word)}</b>: ${escape(example)} <i>${escape(translation)}</i></li>`).join('')}</ul>
<p><a href="english-vocabulary.apkg">The deck</a>: open it with Anki.</p>
${warnings.map((warning) => `<p class="note">${escape(warning)}</p>`).join('')}
</section>`;

const renderTasks = (played: readonly Played[]): string => `<section>
<h2>The tasks</h2>
<table>
<thead><tr><th>What</th><th>Definition</th><th>Took</th></tr></thead>
<tbody>${played.map(({ label, name, ms }) => `<tr><td>${escape(label)}</td><td><code>${escape(name)}</code></td><td>${(ms / 1000).toFixed(2)} s</td></tr>`).join('\n')}</tbody>
</table>
</section>`;

const figure = (file: string, title: string): string =>
  `<figure><a href="${file}"><img src="${file}" alt="${escape(title)}"></a><figcaption>${escape(title)}</figcaption></figure>`;

const meter = (value: number): string =>
  `<meter min="0" max="1" value="${value}"></meter> ${value.toFixed(2)}`;

const shorten = (text: string): string => (text.length > 220 ? `${text.slice(0, 220).trimEnd()} …` : text);

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escape = (text: string): string => text.replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? '');

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 70rem; padding: 2rem 1rem; }
section { border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent); margin-top: 2rem; padding-top: 1rem; }
.pictures { align-items: end; display: grid; gap: 1rem; grid-template-columns: 1fr 1fr; }
.report { display: grid; gap: 1rem; grid-template-columns: 1fr 1fr; }
.report object, .tall { height: 40rem; overflow: auto; width: 100%; }
figure { margin: 0; }
img { border-radius: .4rem; max-width: 100%; }
.pictures img { max-height: 30rem; }
figcaption, .note { font-size: .9rem; opacity: .75; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .3rem .6rem; text-align: left; vertical-align: top; }
tr + tr { border-top: 1px solid color-mix(in srgb, currentColor 12%, transparent); }
td:last-child, td:nth-last-child(2) { white-space: nowrap; }
`;
