import { arrow, box, heading, line, note, polygon, text } from '../kit/draw';
import { type Drawing, MARGIN, type Point, type Shape, SMALL } from '../kit/shapes';

const [LEFT, RIGHT] = [64, 532]; // of the axes
const [TOP, BOTTOM] = [96, 338];
const RIDGE: Point = [292, 152]; // where the limits meet
const START: Point = [LEFT, 308];

/** The roofline: which of a machine's two limits applies to a program. */
export function roofline(): Drawing {
  return {
    title: 'Two limits: reading, then multiplying',
    description:
      'A roof over two axes, operations for a byte and operations in a second. On the left it rises: a program that does little with each ' +
      'byte waits for memory. On the right it is flat: a program that does much with each byte is limited by multiplication. Writing one ' +
      'token does few operations for a byte and lies on the left; a training step does many and lies on the right.',
    height: 416,
    shapes: [
      heading('Two limits: reading, then multiplying'),
      ...note(MARGIN, 58, ['A sketch. Both axes grow by factors, not by steps.']),
      text(MARGIN, 86, 'operations in a second', { size: SMALL, tone: 'soft' }),
      polygon([...START, ...RIDGE, RIGHT, RIDGE[1], RIGHT, BOTTOM, LEFT, BOTTOM], 'base'),
      line([...START, ...RIDGE, RIGHT, RIDGE[1]], 'ink'),
      ...axes(),
      text(80, 180, 'memory', { isBold: true }),
      text(80, 202, 'is the limit'),
      text(RIGHT, RIDGE[1] - 12, 'multiplication is the limit', { anchor: 'end', isBold: true }),
      ...program(124, ['writing one token:', 'few operations', 'for a byte']),
      ...program(392, ['a training step:', 'many of them']),
      ...note(MARGIN, 392, ['On the slope, do more with each byte. On the flat, multiply faster.']),
    ],
  };
}

function axes(): Shape[] {
  const right = arrow([LEFT, BOTTOM, RIGHT + 8, BOTTOM]);
  const up = arrow([LEFT, BOTTOM, LEFT, TOP]);
  return [...right, ...up, text(RIGHT, BOTTOM + 22, 'operations for each byte moved', { anchor: 'end', size: SMALL, tone: 'soft' })];
}

/** A program on the roof, and what it is. */
function program(x: number, lines: readonly string[]): Shape[] {
  const y = heightOf(x);
  return [
    line([x, y, x, BOTTOM], 'soft', true),
    ...box({ x: x - 6, y: y - 6, width: 12, height: 12 }, [], { tone: 'ink', look: 'solid', radius: 6 }),
    ...note(x + 12, BOTTOM - 8 - 20 * (lines.length - 1), lines, { tone: 'ink' }),
  ];
}

function heightOf(x: number): number {
  const slope = (RIDGE[1] - START[1]) / (RIDGE[0] - START[0]);
  return x > RIDGE[0] ? RIDGE[1] : START[1] + slope * (x - START[0]);
}
