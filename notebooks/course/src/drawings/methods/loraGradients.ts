import { arrow, box, heading, line, note, text } from '../kit/draw';
import { type Drawing, MARGIN, type Shape, SMALL } from '../kit/shapes';

const [FORWARD, BACKWARD, RESULT] = [128, 206, 284]; // the middles of the three rows
const [LEFT, RIGHT] = [176, 360]; // the middles of A and B
const HALF = 22;

/** What meets in the gradients of A and B: equation 2.2. */
export function loraGradients(): Drawing {
  return {
    title: 'A gradient is what comes in, times what comes back',
    description:
      'Forward, x passes through A, becomes x·A, and passes through B to the output. Backward, G comes from the output, passes through B ' +
      'and becomes G·Bᵀ. The gradient of A is made of x and G·Bᵀ, that of B of x·A and G, both times α/r.',
    height: 372,
    shapes: [
      heading('A gradient is what comes in, times what comes back'),
      ...note(MARGIN, 58, ['Forward to the right, backward to the left, both times α/r.']),
      ...small(44, FORWARD, 'x', 'base'),
      ...arrow([66, FORWARD, LEFT - 36, FORWARD]),
      ...factor(LEFT, 'A'),
      ...arrow([LEFT + 34, FORWARD, RIGHT - 36, FORWARD]),
      ...factor(RIGHT, 'B'),
      ...arrow([RIGHT + 34, FORWARD, 492, FORWARD]),
      text(268, FORWARD - 12, 'x·A', { anchor: 'middle', isBold: true }),
      ...small(516, FORWARD, 'y', 'base'),
      ...small(516, BACKWARD, 'G', 'soft'),
      ...arrow([492, BACKWARD, RIGHT + 36, BACKWARD], 'soft', true),
      ...box({ x: RIGHT - 34, y: BACKWARD - HALF, width: 68, height: 2 * HALF }, ['× Bᵀ'], { tone: 'lora', look: 'dashed' }),
      ...arrow([RIGHT - 34, BACKWARD, LEFT + 2, BACKWARD], 'soft', true),
      text(268, BACKWARD - 12, 'G·Bᵀ', { anchor: 'middle', isBold: true }),
      ...meeting(LEFT, 'gradient of A', 'x and G·Bᵀ'),
      ...meeting(430, 'gradient of B', 'x·A and G'),
      line([LEFT, BACKWARD, LEFT, RESULT - 30], 'soft', true),
      line([430, BACKWARD, 430, RESULT - 30], 'soft', true),
      ...note(MARGIN, 344, ['G is the gradient of the loss for y: a row per token, as x.']),
    ],
  };
}

function small(x: number, y: number, name: string, tone: 'base' | 'soft'): Shape[] {
  return box({ x: x - HALF, y: y - HALF, width: 2 * HALF, height: 2 * HALF }, [name], { tone, text: { isBold: true } });
}

function factor(x: number, name: string): Shape[] {
  return box({ x: x - 34, y: FORWARD - HALF, width: 68, height: 2 * HALF }, [name], { tone: 'lora', text: { isBold: true } });
}

function meeting(x: number, name: string, parts: string): Shape[] {
  return [
    ...box({ x: x - 108, y: RESULT - 30, width: 216, height: 34 }, [name], { tone: 'lora', text: { isBold: true } }),
    text(x, RESULT + 26, parts, { anchor: 'middle', size: SMALL }),
  ];
}
