/** Packs several examples into one row, which saves padding. */
import { IGNORE_INDEX } from '../../nn';
import { ArgumentError } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { checkWhole } from '../../runtime/checks/checkWhole';
import { type Batch, checkExample, type PadOptions, padRight, type TrainingExample } from './batch';

/** Number of open rows for an example: enough to fill them well, few enough to keep the order random. */
const OPEN_ROWS = 64;

/**
 * Distributes the examples over rows of at most `width` tokens: each goes to the fullest open row with enough room.
 *
 * @throws ArgumentError when the width is not a whole number of at least 1, or an example does not fit into a row.
 */
export function packRows(examples: readonly TrainingExample[], width: number): TrainingExample[][] {
  checkWhole('pack', width);
  const rows: { readonly examples: TrainingExample[]; left: number }[] = [];
  let open: typeof rows = [];
  for (const [index, example] of examples.entries()) {
    const { length } = example.inputIds;
    if (length > width)
      throw new ArgumentError(`example ${index} has ${length} tokens and rows are packed to ${width}: cut the example, or raise pack`);
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
 * One batch of packed rows. The first label of each example becomes −100, because the token before it belongs to another example; loss and
 * gradients then equal those of the padded examples.
 *
 * Shapes: inputIds, labels, segmentIds (B, width).
 *
 * @throws ShapeError when an example's numbers of labels and ids differ; ArgumentError when a row does not fit.
 */
export function packBatch(rows: readonly (readonly TrainingExample[])[], width: number, options: Pick<PadOptions, 'padTokenId'>): Batch {
  checkKnown('packBatch', options, ['padTokenId']);
  const { padTokenId } = options;
  for (const row of rows) for (const [index, example] of row.entries()) checkExample(example, index);
  const inputIds = rows.map((row) => row.flatMap(({ inputIds }) => inputIds));
  const labels = rows.map((row) => row.flatMap(({ labels }) => labels.map((label, t) => (t === 0 ? IGNORE_INDEX : label))));
  const segmentIds = rows.map((row) => row.flatMap(({ inputIds }, index) => inputIds.map(() => index + 1)));
  const long = inputIds.find(({ length }) => length > width);
  if (long) throw new ArgumentError(`a row of ${long.length} tokens does not fit ${width}: take rows of packRows with this width`);
  return {
    inputIds: padRight(inputIds, padTokenId, width),
    labels: padRight(labels, IGNORE_INDEX, width),
    segmentIds: padRight(segmentIds, 0, width),
  };
}
