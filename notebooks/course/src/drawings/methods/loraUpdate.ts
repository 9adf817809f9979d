import { arrow, box, counted, heading, matrix, note, type Path, polygon, subheading, text } from '../kit/draw';
import { type Drawing, MARGIN, type Shape, SMALL } from '../kit/shapes';
import { SMOLLM2 } from '../models';

const RANK = 8;
/** Pixels of a side of W₀. */
const SIDE = 144;
const SECOND = 222; // where the second matrix begins
const TEXTS = 392;

/** W₀ beside a full update and beside A·B, to scale, and the layer that they make. */
export function loraUpdate(): Drawing {
  const width = SMOLLM2.hiddenSize;
  const [all, low] = [width * width, RANK * (width + width)];
  const share = ((100 * low) / all).toFixed(1);
  return {
    title: 'LoRA trains two thin matrices, not a whole one',
    description:
      `To scale: a frozen weight W₀ of ${width} × ${width} numbers beside a full update of the same size, ${counted(all)} numbers, ` +
      `and beside LoRA's A of ${width} × ${RANK} and B of ${RANK} × ${width}, ${counted(low)} numbers or ${share} %. ` +
      `Below, the layer: x goes through W₀, and beside it through A, to ${RANK} numbers, and B. The results are added. B begins at zero.`,
    height: 778,
    shapes: [
      heading('LoRA trains two thin matrices, not a whole one'),
      ...note(MARGIN, 58, [`One layer of SmolLM2-135M, ${width} numbers wide, drawn to scale.`]),
      ...fullUpdate(92, width, all),
      ...lowRankUpdate(308, width, low, share),
      ...layer(524),
    ],
  };
}

function fullUpdate(y: number, width: number, all: number): Shape[] {
  return [
    subheading(y, 'Full fine-tuning'),
    ...frozen(y + 14, width),
    ...matrix({ x: SECOND, y: y + 14, width: SIDE, height: SIDE }, 'ΔW', 'full'),
    size(SECOND + SIDE / 2, y + SIDE + 34, width, width),
    ...trained(y, 'Train all of ΔW:', all, 'numbers'),
  ];
}

function lowRankUpdate(y: number, width: number, low: number, share: string): Shape[] {
  const thin = (SIDE * RANK) / width;
  const [left, top] = [SECOND, y + 14];
  return [
    subheading(y, `LoRA, rank ${RANK}`),
    ...frozen(top, width),
    ...matrix({ x: left - 9, y: top, width: thin, height: SIDE }, '', 'lora', 'solid'),
    ...matrix({ x: left, y: top - 9, width: SIDE, height: thin }, '', 'lora', 'solid'),
    ...box({ x: left, y: top, width: SIDE, height: SIDE }, ['A·B', `has rank ${RANK}`], { tone: 'lora', look: 'dashed', radius: 0 }),
    text(left + SIDE / 2, y - 6, `B: ${RANK} × ${width}`, { anchor: 'middle', size: SMALL }),
    text(left - 10, top + SIDE + 20, `A: ${width} × ${RANK}`, { size: SMALL }),
    ...trained(y, 'Train A and B:', low, `numbers: ${share} %`),
  ];
}

/** W₀ and the plus after it. */
function frozen(y: number, width: number): Shape[] {
  return [
    ...box({ x: MARGIN, y, width: SIDE, height: SIDE }, ['W₀', 'frozen'], { tone: 'base', radius: 0 }),
    size(MARGIN + SIDE / 2, y + SIDE + 20, width, width),
    text(MARGIN + SIDE + 22, y + SIDE / 2 + 7, '+', { anchor: 'middle', isBold: true, size: 20 }),
  ];
}

function size(x: number, y: number, rows: number, columns: number): Shape {
  return text(x, y, `${rows} × ${columns}`, { anchor: 'middle', size: SMALL, tone: 'soft' });
}

function trained(y: number, what: string, count: number, unit: string): Shape[] {
  return [text(TEXTS, y + 68, what), text(TEXTS, y + 92, counted(count), { isBold: true, size: 18 }), text(TEXTS, y + 115, unit)];
}

/** The layer at work: two paths, of which the trained one passes through a waist of r numbers. */
function layer(y: number): Shape[] {
  const [top, bottom] = [y + 52, y + 138]; // middles of the two paths
  const waist = 4;
  return [
    subheading(y, 'The layer at work: y = x·W₀ + (α/r)·x·A·B'),
    ...box({ x: MARGIN, y: y + 72, width: 36, height: 46 }, ['x'], { tone: 'base', text: { isBold: true } }),
    ...arrow([58, y + 84, 120, top]),
    ...box({ x: 126, y: top - 23, width: 240, height: 46 }, ['W₀, frozen'], { tone: 'base', radius: 0 }),
    ...arrow([58, y + 106, 120, bottom]),
    polygon(trapezoid(126, bottom, 42, waist), 'lora'),
    text(152, bottom + 6, 'A', { anchor: 'middle', isBold: true }),
    polygon(trapezoid(366, bottom, 42, waist), 'lora'),
    text(340, bottom + 6, 'B', { anchor: 'middle', isBold: true }),
    ...arrow([206, bottom, 286, bottom], 'lora'),
    text(246, bottom - 10, `${RANK} numbers`, { anchor: 'middle', size: SMALL }),
    text(246, bottom + 24, '× α/r', { anchor: 'middle', size: SMALL }),
    ...arrow([372, top, 428, y + 86]),
    ...arrow([372, bottom, 428, y + 104]),
    ...box({ x: 432, y: y + 79, width: 32, height: 32 }, ['+'], { tone: 'soft', radius: 16, text: { isBold: true } }),
    ...arrow([464, y + 95, 496, y + 95]),
    ...box({ x: 502, y: y + 72, width: 36, height: 46 }, ['y'], { tone: 'base', text: { isBold: true } }),
    ...note(MARGIN, y + 208, [
      'B begins at zero: before training, y is exactly what it was.',
      'After it, (α/r)·A·B can be added into W₀: no cost in use.',
    ]),
  ];
}

/** From a side of full height at `x` to a waist 80 px nearer the middle of the path. */
function trapezoid(x: number, y: number, half: number, waist: number): Path {
  const inner = x + (x < 246 ? 76 : -76);
  return [x, y - half, x, y + half, inner, y + waist, inner, y - waist];
}
