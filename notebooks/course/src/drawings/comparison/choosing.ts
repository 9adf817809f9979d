import * as path from 'node:path';
import { Comparison } from '../../comparison';
import { arrow, box, counted, heading, note, text } from '../kit/draw';
import { type Drawing, MARGIN, type Shape, SMALL } from '../kit/shapes';

const RESULTS = path.join(__dirname, '../../../../../experiments/results/reviewer-long.json');
const [WIDE, STEP] = [156, 180];
const [TRAINING, VALIDATION, TEST] = [MARGIN, MARGIN + STEP, MARGIN + 2 * STEP];
const HIGH = 62;

/** The parts of the data in the long experiment, and the choice that each of them decides. */
export function choosing(): Drawing {
  const { runs, sweeps } = Comparison.read(RESULTS).results;
  const trials = counted(sweeps.reduce((sum, each) => sum + each.trials.length, 0));
  const losses = counted(runs.reduce((sum, { evaluations }) => sum + evaluations.length, 0));
  const asked = counted(runs.length);
  return {
    title: 'Validation data choose, test data only answer',
    description:
      `${trials} short runs on training data, and a validation loss of each chooses the rate. ${asked} long runs at these rates, and ` +
      `${losses} validation losses choose the weights that are kept. Each run is then asked the test examples once, for its score. ` +
      'Nothing leads from the test data back.',
    height: 410,
    shapes: [
      heading('Validation data choose, test data only answer'),
      ...note(MARGIN, 58, ['In the experiment: no arrow leaves the test data.']),
      ...(['training', 'validation', 'test'] as const).map((name, index) => text(MARGIN + index * STEP, 100, name, { isBold: true })),
      ...part(TRAINING, 116, [`${trials} short runs`, 'several rates']),
      ...arrow([TRAINING + WIDE, 147, VALIDATION - 1, 147]),
      ...part(VALIDATION, 116, [`${trials} losses:`, 'which rate?']),
      ...arrow([VALIDATION + WIDE / 2, 178, VALIDATION + WIDE / 2, 206, TRAINING + WIDE / 2, 206, TRAINING + WIDE / 2, 231]),
      ...part(TRAINING, 232, [`${asked} long runs`, 'several seeds']),
      ...arrow([TRAINING + WIDE, 263, VALIDATION - 1, 263]),
      ...part(VALIDATION, 232, [`${losses} losses:`, 'which weights?']),
      ...arrow([VALIDATION + WIDE / 2, 294, VALIDATION + WIDE / 2, 353, TEST - 1, 353]),
      ...part(TEST, 322, ['asked once a run:', `${asked} scores`]),
    ],
  };
}

function part(x: number, y: number, lines: readonly string[]): Shape[] {
  return box({ x, y, width: WIDE, height: HIGH }, lines, { tone: 'soft', text: { size: SMALL } });
}
