import { arrow, box, heading, note, text } from '../kit/draw';
import { type Drawing, MARGIN, type Shape, SMALL } from '../kit/shapes';

/** The beginnings of the two workers' columns, and their width. */
const COLUMNS = [MARGIN, 302] as const;
const COLUMN = 236;

/** An update that two workers make together. */
export function dataParallel(): Drawing {
  return {
    title: 'One update, made by two workers',
    description:
      'Each worker has the whole frozen model and the same adapter. Each takes half of the rows of the batch and computes the gradients of the adapter. ' +
      'The gradients are summed over both workers, and only they travel. Each worker then makes the same update, so both adapters stay equal.',
    height: 560,
    shapes: [
      heading('One update, made by two workers'),
      ...note(MARGIN, 58, ['Only the gradients of the adapter travel.']),
      ...COLUMNS.flatMap((x, rank) => worker(x, rank)),
      ...sum(366),
      ...COLUMNS.flatMap(updated),
    ],
  };
}

function worker(x: number, rank: number): Shape[] {
  const middle = x + COLUMN / 2;
  return [
    text(x, 100, `Worker ${rank}`, { isBold: true }),
    ...box({ x, y: 114, width: COLUMN, height: 34 }, [rank === 0 ? 'rows 0 and 1' : 'rows 2 and 3'], {
      tone: 'soft',
      text: { size: SMALL },
    }),
    ...arrow([middle, 148, middle, 172]),
    ...box({ x, y: 174, width: 150, height: 72 }, ['frozen model'], { tone: 'base' }),
    ...box({ x: x + 158, y: 174, width: COLUMN - 158, height: 72 }, ['adapter'], { tone: 'lora' }),
    ...arrow([middle, 246, middle, 272]),
    ...box({ x: x + 38, y: 274, width: 160, height: 34 }, ['own gradients'], { tone: 'lora', text: { size: SMALL } }),
    ...arrow([middle, 308, middle, 364]),
  ];
}

function sum(y: number): Shape[] {
  const width = COLUMNS[1] + COLUMN - COLUMNS[0];
  return box({ x: MARGIN, y, width, height: 40 }, ['sum of the gradients, the same for both'], { tone: 'lora', look: 'tint' });
}

function updated(x: number): Shape[] {
  const middle = x + COLUMN / 2;
  return [
    ...arrow([middle, 406, middle, 440]),
    ...box({ x: x + 38, y: 442, width: 160, height: 34 }, ['AdamW'], { tone: 'soft' }),
    ...note(x + 8, 508, ['The same update,', 'so the adapters stay equal.'], { tone: 'ink' }),
  ];
}
