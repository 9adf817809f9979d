import { box, heading, line, note, text } from '../kit/draw';
import { type Drawing, MARGIN, type Shape, SMALL, WIDTH } from '../kit/shapes';

const SETTINGS = [
  { r: 8, alpha: 16 },
  { r: 16, alpha: 16 },
  { r: 16, alpha: 32 },
] as const;
const BASE = 282;
/** Pixels for each η. */
const UNIT = 5;
const COLUMN = (WIDTH - 2 * MARGIN) / SETTINGS.length;

/** The size of the first update at three settings of LoRA: equation 6.1. */
export function firstStep(): Drawing {
  const totals = SETTINGS.map(({ r, alpha }) => `rank ${r} with α ${alpha}: ${r} parts of ${alpha / r} η, together ${r * (alpha / r)} η`);
  const level = BASE - SETTINGS[0].alpha * UNIT;
  return {
    title: 'The first step grows with α, and not with the rank',
    description: `Stacks of equal parts, one for each row of B, as high as the first update is large. ${totals.join('. ')}.`,
    height: BASE + 74,
    shapes: [
      heading('The first step grows with α, and not with the rank'),
      ...note(MARGIN, 58, ['Each row of B moves by η and counts α/r times: one slab.', 'The slabs of one setting add up.']),
      ...SETTINGS.flatMap((setting, index) => stack(MARGIN + index * COLUMN, setting)),
      line([MARGIN, level, WIDTH - MARGIN, level], 'soft', true),
    ],
  };
}

function stack(left: number, { r, alpha }: (typeof SETTINGS)[number]): Shape[] {
  const [scale, width] = [alpha / r, 88];
  const middle = left + COLUMN / 2;
  const step = scale * UNIT;
  return [
    ...Array.from({ length: r }, (_, i) => {
      const y = BASE - (i + 1) * step;
      return box({ x: middle - width / 2, y: y + 1, width, height: step - 1.5 }, [], { tone: 'lora', look: 'solid', radius: 0 });
    }).flat(),
    text(middle, BASE + 24, `r = ${r}, α = ${alpha}`, { anchor: 'middle', size: SMALL }),
    text(middle, BASE + 48, `${r} × ${scale} η = ${r * scale} η`, { anchor: 'middle', isBold: true }),
  ];
}
