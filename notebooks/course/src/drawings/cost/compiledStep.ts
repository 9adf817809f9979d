import { arrow, box, heading, note, subheading, text } from '../kit/draw';
import { type Drawing, MARGIN, type Shape, SMALL } from '../kit/shapes';

const [LEFT, RIGHT] = [126, 538];
const OPERATIONS = 5;

/** One training step operation by operation, and as one compiled call. */
export function compiledStep(): Drawing {
  return {
    title: 'A compiled step is one call in place of many',
    description:
      'Operation by operation, TypeScript calls TensorFlow for each one, and the device waits between them. Traced, the step runs once in ' +
      'TypeScript to record a graph, which is compiled once for these shapes; every later step is one call, and the device does not wait. ' +
      'Another shape, or another plain value, means another trace.',
    height: 716,
    shapes: [
      heading('A compiled step is one call in place of many'),
      ...note(MARGIN, 58, ['Time runs to the right; the lengths are not to scale.']),
      ...opByOp(96),
      ...traced(304),
      ...later(508),
    ],
  };
}

function lanes(y: number): Shape[] {
  return [
    text(MARGIN, y + 24, 'TypeScript', { size: SMALL, tone: 'soft' }),
    text(MARGIN, y + 88, 'TensorFlow', { size: SMALL, tone: 'soft' }),
  ];
}

function opByOp(y: number): Shape[] {
  const step = (RIGHT - LEFT) / OPERATIONS;
  return [
    subheading(y, 'Operation by operation'),
    ...lanes(y + 16),
    ...Array.from({ length: OPERATIONS }, (_, index) => {
      const x = LEFT + index * step;
      return [
        ...box({ x, y: y + 22, width: 34, height: 30 }, ['call'], { tone: 'soft', text: { size: SMALL } }),
        ...arrow([x + 17, y + 52, x + 42, y + 84]),
        ...box({ x: x + 34, y: y + 86, width: 32, height: 30 }, [], { tone: 'base', look: 'solid' }),
      ];
    }).flat(),
    ...note(LEFT, y + 140, ['One call for each operation.', 'The device waits in between.'], { tone: 'ink' }),
  ];
}

function traced(y: number): Shape[] {
  return [
    subheading(y, 'Compiled: the first step'),
    ...lanes(y + 16),
    ...box({ x: LEFT, y: y + 22, width: 180, height: 30 }, ['run once, recorded'], { tone: 'soft', text: { size: SMALL } }),
    ...arrow([LEFT + 180, y + 37, LEFT + 200, y + 37, LEFT + 200, y + 84]),
    ...box({ x: LEFT + 130, y: y + 86, width: 140, height: 30 }, ['graph compiled'], { tone: 'base', text: { size: SMALL } }),
    ...box({ x: LEFT + 274, y: y + 86, width: 138, height: 30 }, ['all operations'], { tone: 'base', text: { size: SMALL } }),
    ...note(LEFT, y + 140, ['Slow, and needed only once for each', 'shape of batch.'], { tone: 'ink' }),
  ];
}

function later(y: number): Shape[] {
  const width = (RIGHT - LEFT) / 3;
  return [
    subheading(y, 'Compiled: every later step'),
    ...lanes(y + 16),
    ...[0, 1, 2].flatMap((index) => {
      const x = LEFT + index * width;
      return [
        ...box({ x, y: y + 22, width: 40, height: 30 }, ['call'], { tone: 'soft', text: { size: SMALL } }),
        ...arrow([x + 20, y + 52, x + 20, y + 84]),
        ...box({ x: x + 2, y: y + 86, width: width - 4, height: 30 }, ['all operations'], { tone: 'base', text: { size: SMALL } }),
      ];
    }),
    ...note(LEFT, y + 150, ['One call a step. The device does not wait,', 'and the compiler may fuse operations.'], { tone: 'ink' }),
  ];
}
