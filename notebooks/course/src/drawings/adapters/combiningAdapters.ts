import { heading, matrix, note, subheading, text } from '../kit/draw';
import { type Drawing, MARGIN, type Shape, SMALL } from '../kit/shapes';

const [LONG, THIN, STEP] = [84, 15, 158];

/** Three ways to make one adapter of two. */
export function combiningAdapters(): Drawing {
  return {
    title: 'Three ways to make one adapter of two',
    description:
      'cat puts the factors side by side: the product is the sum of both updates, exactly, and the ranks add up. ' +
      'svd adds the updates and keeps the best approximation of a chosen rank. ' +
      'linear adds the factors: multiplied out, it has the two wanted products and two cross terms that belong to neither adapter.',
    height: 638,
    shapes: [
      heading('Three ways to make one adapter of two'),
      ...note(MARGIN, 58, ['Wanted: A₁B₁ + A₂B₂, the sum of both updates.']),
      ...cat(94),
      ...svd(94 + STEP + 22),
      ...linear(94 + 2 * STEP + 34),
    ],
  };
}

function cat(y: number): Shape[] {
  const top = y + 20;
  return [
    subheading(y, 'cat: factors side by side'),
    ...matrix({ x: MARGIN, y: top, width: THIN, height: LONG }, '', 'lora', 'solid'),
    ...matrix({ x: MARGIN + THIN + 3, y: top, width: THIN, height: LONG }, '', 'lora'),
    sign(74, top, '·'),
    ...matrix({ x: 90, y: top + 25, width: LONG, height: THIN }, '', 'lora', 'solid'),
    ...matrix({ x: 90, y: top + 28 + THIN, width: LONG, height: THIN }, '', 'lora'),
    sign(194, top, '='),
    ...sum(214, top),
    text(MARGIN - 2, top + LONG + 20, 'A₁ A₂', { size: SMALL }),
    text(90 + LONG / 2, top + LONG + 20, 'B₁ over B₂', { anchor: 'middle', size: SMALL }),
    ...note(430, top + 30, ['Exact.', 'The ranks', 'add up.'], { tone: 'ink' }),
  ];
}

function svd(y: number): Shape[] {
  const top = y + 20;
  return [
    subheading(y, 'svd: the nearest matrix of a chosen rank'),
    ...sum(MARGIN, top),
    sign(MARGIN + 2 * LONG + 44, top, '≈'),
    ...matrix({ x: 258, y: top, width: THIN, height: LONG }, '', 'lora', 'solid'),
    sign(286, top, '·'),
    ...matrix({ x: 300, y: top + (LONG - THIN) / 2, width: LONG, height: THIN }, '', 'lora', 'solid'),
    text(258, top + LONG + 20, 'A', { size: SMALL }),
    text(300 + LONG / 2, top + LONG + 20, 'B', { anchor: 'middle', size: SMALL }),
    ...note(430, top + 30, ['As near as', 'that rank', 'allows.'], { tone: 'ink' }),
  ];
}

function linear(y: number): Shape[] {
  const [top, side] = [y + 20, 70];
  const products = [
    ['A₁B₁', 'solid'],
    ['A₂B₂', 'tint'],
    ['A₁B₂', 'dashed'],
    ['A₂B₁', 'dashed'],
  ] as const;
  return [
    subheading(y, 'linear: the factors added'),
    ...matrix({ x: MARGIN, y: top, width: THIN, height: LONG }, '', 'lora'),
    sign(50, top, '·'),
    ...matrix({ x: 62, y: top + (LONG - THIN) / 2, width: LONG, height: THIN }, '', 'lora'),
    sign(162, top, '='),
    ...products.flatMap(([name, look], index) => {
      const x = 178 + index * (side + 24);
      const tone = look === 'dashed' ? 'ink' : 'lora';
      const place = { x, y: top + (LONG - side) / 2, width: side, height: side };
      return [...product(place, name, tone, look), ...(index > 0 ? [sign(x - 12, top, '+')] : [])];
    }),
    text(MARGIN, top + LONG + 22, 'A₁ + A₂', { size: SMALL }),
    text(62 + LONG / 2 + 12, top + LONG + 22, 'B₁ + B₂', { anchor: 'middle', size: SMALL }),
    text(178 + side + 12, top + LONG + 22, 'wanted', { anchor: 'middle', size: SMALL }),
    text(178 + 3 * side + 60, top + LONG + 22, 'in neither adapter', { anchor: 'middle', size: SMALL }),
    ...note(MARGIN, top + LONG + 58, ['The rank stays, but the cross terms can be as large as the sum.'], { tone: 'ink' }),
  ];
}

function sum(x: number, top: number): Shape[] {
  return [
    ...product({ x, y: top, width: LONG, height: LONG }, 'A₁B₁', 'lora', 'solid'),
    sign(x + LONG + 13, top, '+'),
    ...product({ x: x + LONG + 26, y: top, width: LONG, height: LONG }, 'A₂B₂', 'lora', 'tint'),
  ];
}

/** A product is as wide and high as the layer; the first adapter's is darker. */
function product(place: Parameters<typeof matrix>[0], name: string, tone: 'lora' | 'ink', look: 'solid' | 'tint' | 'dashed'): Shape[] {
  if (look !== 'solid') return matrix(place, name, tone, look);
  return [...matrix(place, '', tone), ...matrix(place, name, tone)];
}

function sign(x: number, top: number, content: string): Shape {
  return text(x, top + LONG / 2 + 7, content, { anchor: 'middle', isBold: true, size: 20 });
}
