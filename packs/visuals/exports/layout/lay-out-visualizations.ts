import { ink } from '../../drawing/palette.ts';
import { formatPercent } from '../../costs/format-money.ts';
import type { ReportVisualization } from '../report.ts';
import { page, type Block, type Layout } from './block.ts';
import { drawPicture, fitPicture } from './draw-picture.ts';
import { formatDate } from './format-date.ts';
import { heading, keepTogether, remark, subheading } from './text-blocks.ts';

const SPACE = 15;
const WIDTH = (page.contentWidth - SPACE) / 2;
const ROOM = { width: WIDTH, height: 222 };
const CAPTION = 18;

export function layOutVisualizations(
  layout: Layout,
  visualizations: readonly ReportVisualization[],
): Block[] {
  return [
    ...heading('Previews'),
    ...visualizations.flatMap((visualization) => [
      ...subheading(layout.type, visualization.procedure_name),
      ...keepTogether(remark(layout.type, describe(visualization))),
      pair(layout, visualization),
    ]),
  ];
}

function describe({ generated_at, model, confidence_score }: ReportVisualization): string {
  const made = `Made on ${formatDate(generated_at)}`;
  return model === 'compose'
    ? `${made}. An illustration of the region, not a prediction.`
    : `${made} by ${model ?? 'software'}, which gives itself a confidence of ${formatPercent(confidence_score * 100)}.`;
}

/** Before and after, side by side, in boxes of one height. */
function pair({ pictures }: Layout, { before_image, after_image }: ReportVisualization): Block {
  const shown = [before_image, after_image].map(({ key }) => pictures.get(key));
  const height = Math.max(60, ...shown.map((picture) => (picture ? fitPicture(picture, ROOM).height : 0)));
  return {
    height: 6 + height + CAPTION + 6,
    draw: (canvas, top) => {
      shown.forEach((picture, index) => {
        const box = { x: page.margin + index * (WIDTH + SPACE), y: top + 6, width: WIDTH, height };
        drawPicture(canvas, picture, box);
        const caption = { x: box.x + WIDTH / 2, y: box.y + height + 12, align: 'middle' } as const;
        canvas.text(index === 0 ? 'Before' : 'After', { ...caption, size: 9, color: ink.soft });
      });
    },
  };
}
