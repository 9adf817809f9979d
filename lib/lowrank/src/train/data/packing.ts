/** Several examples in one row, so that little of a batch is padding. */
import { IGNORE_INDEX } from '../../nn';
import { ArgumentError } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { checkWhole } from '../../runtime/checks/checkWhole';
import { type Batch, checkExample, type PadOptions, type TrainingExample } from './batch';

/** An example goes into one of so many unfinished rows: enough to fill them well, few enough to keep the order random. */
const OPEN_ROWS = 64;

/**
 * Deals the examples out to rows of at most `width` tokens: each into the fullest unfinished row that has room for it.
 *
 * @throws ArgumentError when the width is no whole number from 1 up, or an example does not fit a row.
 */
export function packRows(examples: readonly TrainingExample[], width: number): TrainingExample[][] {
  checkWhole('pack', width);
  const rows: { readonly examples: TrainingExample[]; left: number }[] = [];
  let open: typeof rows = [];
  for (const [index, example] of examples.entries()) {
    const { length } = example.inputIds;
    if (length > width)
      throw new ArgumentError(`example ${index} has ${length} tokens and rows are packed to ${width}: cut it, or pack more`);
    let row = open.filter(({ left }) => left >= length).sort((a, b) => a.left - b.left)[0];
    if (!row) {
      row = { examples: [], left: width };
      rows.push(row);
      open.push(row);
    }
    row.examples.push(example);
    row.left -= length;
    if (open.length > OPEN_ROWS) open = open.sort((a, b) => b.left - a.left).slice(0, OPEN_ROWS);
  }
  return rows.map((row) => row.examples);
}

/**
 * One batch of packed rows. The first label of each example becomes −100, for what comes before it belongs to another; its
 * loss and gradients are then those of the same examples padded.
 *
 * Shapes: inputIds, labels, segmentIds (B, width).
 *
 * @throws ShapeError when an example has not as many labels as ids; ArgumentError when a row does not fit.
 */
export function packBatch(rows: readonly (readonly TrainingExample[])[], width: number, options: Pick<PadOptions, 'padTokenId'>): Batch {
  checkKnown('packBatch', options, ['padTokenId']);
  const { padTokenId } = options;
  const filled = (values: readonly number[], filler: number) => {
    if (values.length > width) throw new ArgumentError(`a row of ${values.length} tokens does not fit ${width}`);
    return [...values, ...new Array<number>(width - values.length).fill(filler)];
  };
  for (const row of rows) for (const [index, example] of row.entries()) checkExample(example, index);
  return {
    inputIds: rows.map((row) =>
      filled(
        row.flatMap(({ inputIds }) => inputIds),
        padTokenId,
      ),
    ),
    labels: rows.map((row) =>
      filled(
        row.flatMap(({ labels }) => labels.map((label, t) => (t === 0 ? IGNORE_INDEX : label))),
        IGNORE_INDEX,
      ),
    ),
    segmentIds: rows.map((row) =>
      filled(
        row.flatMap(({ inputIds }, index) => inputIds.map(() => index + 1)),
        0,
      ),
    ),
  };
}
