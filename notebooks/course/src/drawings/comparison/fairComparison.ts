import * as path from 'node:path';
import { Comparison } from '../../comparison';
import { arrow, box, heading, note, text } from '../kit/draw';
import { type Drawing, MARGIN, type Shape, SMALL, WIDTH } from '../kit/shapes';

const RESULTS = path.join(__dirname, '../../../../../experiments/results/reviewer-long.json');
const [TOP, STEP, HIGH] = [82, 104, 72];
const MIDDLE = WIDTH / 2;

/** The road from a method to a score that may be compared, with the numbers of the long experiment. */
export function fairComparison(): Drawing {
  const measured = Comparison.read(RESULTS);
  const { config } = measured.results;
  const all = measured.methods.length;
  const rates = Math.max(...measured.results.sweeps.map(({ trials }) => trials.length));
  const seeds = Math.max(...measured.methods.map((method) => seedsOf(measured, method)));
  const steps = [
    ['Each method looks for its own learning rate', `up to ${rates} rates, ${config.sweep.steps} updates each; validation loss decides`],
    ['It is trained at that rate, several times', `up to ${seeds} seeds, ${config.maxSteps} updates; the best weights on validation data`],
    ['Every run answers the same test examples', `${config.examples.test} for each of ${config.tasks.length} tasks`],
    ['A score gets an interval, a pair gets a difference', 'examples and seeds are drawn again and again'],
  ] as const;
  return {
    title: 'A comparison that treats all methods alike',
    description: `Four steps for each of ${all} methods: ${steps.map(([what, how]) => `${what}: ${how}`).join('. ')}.`,
    height: TOP + steps.length * STEP - 8,
    shapes: [
      heading('A comparison that treats all methods alike'),
      ...note(MARGIN, 58, [`The same four steps for each of ${all} methods.`]),
      ...steps.flatMap(([what, how], index) => step(TOP + index * STEP, what, how, index < steps.length - 1)),
    ],
  };
}

function seedsOf({ results }: Comparison, method: string): number {
  return new Set(results.runs.filter((run) => run.method === method).map(({ seed }) => seed)).size;
}

function step(y: number, what: string, how: string, goesOn: boolean): Shape[] {
  return [
    ...box({ x: MARGIN, y, width: WIDTH - 2 * MARGIN, height: HIGH }, [], { tone: 'soft' }),
    text(MIDDLE, y + 30, what, { anchor: 'middle', isBold: true }),
    text(MIDDLE, y + 54, how, { anchor: 'middle', size: SMALL, tone: 'soft' }),
    ...(goesOn ? arrow([MIDDLE, y + HIGH, MIDDLE, y + STEP]) : []),
  ];
}
