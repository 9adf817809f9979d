import { arrow, box, heading, note, text } from '../kit/draw';
import { type Drawing, MARGIN, type Shape, SMALL } from '../kit/shapes';

const STAGES = [
  { task: 'necessity', asks: 'Does this hunk need a review?', result: 'probability of yes ≥ threshold?' },
  { task: 'comment', asks: 'What should the reviewer say?', result: 'a sentence' },
  { task: 'refinement', asks: 'How does the code look after it?', result: 'new code' },
] as const;
const [ASKS, MIDDLE, STEP] = [266, 402, 128];

/** From a diff to a review: three tasks in turn, on one base whose adapter changes. */
export function reviewPipeline(): Drawing {
  return {
    title: 'From a diff to a review',
    description:
      'A diff is cut into hunks. Each hunk passes through up to three tasks on one frozen base model, whose adapter changes: necessity ' +
      'gives a probability, and hunks below the threshold end there; comment writes a sentence; refinement writes new code from hunk and ' +
      'comment. Comment and code together are the review.',
    height: 742,
    shapes: [
      heading('From a diff to a review'),
      ...note(MARGIN, 58, ['One frozen model, three adapters: one after the other.']),
      ...diff(82),
      ...stages(210),
      ...review(628),
    ],
  };
}

function diff(y: number): Shape[] {
  const hunks = [0, 1, 2].map((index) => ({ x: MIDDLE - 109 + 76 * index, y: y + 8, width: 66, height: 40 }));
  return [
    ...box({ x: MARGIN, y: y + 4, width: 180, height: 48 }, ['a diff'], { tone: 'soft' }),
    ...arrow([204, y + 28, 282, y + 28]),
    text(242, y + 18, 'cut into', { anchor: 'middle', size: SMALL, tone: 'soft' }),
    ...hunks.flatMap((place) => box(place, ['hunk'], { tone: 'soft', text: { size: SMALL } })),
    ...arrow([MIDDLE, y + 48, MIDDLE, y + 126]),
    text(MIDDLE + 12, y + 92, 'each one', { size: SMALL, tone: 'soft' }),
  ];
}

function stages(y: number): Shape[] {
  const height = STAGES.length * STEP - 28;
  return [
    ...box({ x: MARGIN, y, width: 76, height }, ['base', 'model,', 'frozen'], { tone: 'base' }),
    ...STAGES.flatMap(({ task, asks, result }, index) => {
      const at = y + index * STEP;
      return [
        ...box({ x: 102, y: at + 8, width: 128, height: 58 }, ['adapter', task], { tone: 'lora' }),
        ...arrow([230, at + 37, ASKS, at + 37]),
        ...box({ x: ASKS, y: at, width: 272, height: 74 }, [asks, result], { tone: 'soft', text: { size: SMALL } }),
      ];
    }),
    ...arrow([MIDDLE, y + 74, MIDDLE, y + STEP]),
    text(MIDDLE + 12, y + 106, 'yes', { size: SMALL, tone: 'soft' }),
    ...arrow([300, y + 74, 300, y + 100], 'soft', true),
    text(300, y + 118, 'no: end', { anchor: 'middle', size: SMALL, tone: 'soft' }),
    ...arrow([MIDDLE, y + STEP + 74, MIDDLE, y + 2 * STEP]),
    text(MIDDLE - 12, y + STEP + 106, 'hunk + comment', { anchor: 'end', size: SMALL, tone: 'soft' }),
    ...arrow([MIDDLE, y + 2 * STEP + 74, MIDDLE, y + 418]),
  ];
}

function review(y: number): Shape[] {
  return [
    ...box({ x: MARGIN, y, width: 516, height: 88 }, [], { tone: 'soft', radius: 8 }),
    text(MARGIN + 14, y + 26, 'the review, for example', { size: SMALL, tone: 'soft' }),
    text(MARGIN + 14, y + 50, 'Use let or const instead of var.'),
    text(MARGIN + 14, y + 74, '- var n = 0;', { isMono: true, size: SMALL }),
    text(MARGIN + 150, y + 74, '+ let n = 0;', { isMono: true, size: SMALL }),
  ];
}
