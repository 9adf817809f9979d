/** What the adapted layers of one model share: which adapters act, and whether dropout does. */
import { tf, UnsupportedError } from '../../runtime';
import { statelessUniform } from '../../runtime/statelessRandom';

/** Some neighbouring rows of a batch. */
export type RowRange = {
  readonly first: number;
  readonly count: number;
  /** How many rows the batch has. */
  readonly of: number;
};

/**
 * One object for all adapted layers of a model, so that switching an adapter, or training mode, is a single assignment.
 *
 * Dropout's masks are a pure function of (seed of the layer, step): the step is a tensor that {@link nextStep} counts up
 * once per training forward. A seed therefore repeats a run, a recomputed forward meets the masks of the first one, and a
 * traced step draws fresh masks at every replay, which a JavaScript generator, frozen while tracing, would not.
 */
export class AdapterState {
  /** The adapters that act, in the order in which their updates are added. */
  activeAdapters: readonly string[];
  /** Off inside `disableAdapter`: every layer is then its base. */
  isEnabled = true;
  /** One adapter's name per row of the batch, for batches of mixed adapters; `__base__` is none. */
  rowAdapters: readonly string[] | undefined;
  /** Which rows of a batch the next passes see, where it is not all of them: each row gets the mask that it has in the whole batch. */
  rows: RowRange | undefined;
  private training = false;
  private step: tf.Variable | undefined; // int32, made when training first begins: a traced step may not make it

  constructor(activeAdapters: readonly string[] = ['default']) {
    this.activeAdapters = activeAdapters;
  }

  /** Dropout acts only while this is on. */
  get isTraining(): boolean {
    return this.training;
  }

  set isTraining(isOn: boolean) {
    if (isOn) this.stepVariable();
    this.training = isOn;
  }

  /** How many steps dropout's masks have been drawn for: what a resumed run has to go on from. */
  get dropoutStep(): number {
    return this.step?.dataSync()[0] ?? 0;
  }

  set dropoutStep(step: number) {
    tf.tidy(() => this.stepVariable().assign(tf.scalar(step, 'int32')));
  }

  /** Moves on to the next step's dropout masks; outside training mode it does nothing. */
  nextStep(): void {
    if (!this.isTraining) return;
    tf.tidy(() => this.stepVariable().assign(this.stepVariable().add(tf.scalar(1, 'int32'))));
  }

  /**
   * Inverted dropout's factors for this step: 0 with probability `rate`, else `1/(1 − rate)`.
   *
   * @param seed - tells the layers of a model apart; int32 ()
   */
  dropoutMask(shape: readonly number[], rate: number, seed: tf.Tensor): tf.Tensor {
    return tf.tidy(() => {
      const key = tf.stack([seed, this.stepVariable()]);
      const kept = this.ofRows(shape, (whole) => statelessUniform(whole, key)).greaterEqual(rate);
      return kept.cast('float32').div(1 - rate);
    });
  }

  /** What of it decides a pass through a layer whose acting updates are known. */
  *trainingFields(): IterableIterator<readonly [string, unknown]> {
    yield ['isTraining', this.training];
    if (this.training) yield ['step', this.stepVariable()];
    if (this.training && this.rows) yield ['rows', this.rows];
  }

  /** The present rows of what is drawn for the whole batch. */
  private ofRows(shape: readonly number[], draw: (shape: readonly number[]) => tf.Tensor): tf.Tensor {
    if (!this.rows) return draw(shape);
    const { first, count, of } = this.rows;
    const [rows = 0, ...rest] = shape;
    if (rows !== count)
      throw new UnsupportedError(
        `dropout on an input of shape [${shape}] cannot be drawn for ${count} of a batch's ${of} rows; make whole batches of each worker's part`,
      );
    return draw([of, ...rest]).slice([first, ...rest.map(() => 0)], [...shape]);
  }

  dispose(): void {
    this.step?.dispose();
    this.step = undefined;
  }

  private stepVariable(): tf.Variable {
    this.step ??= tf.tidy(() => tf.variable(tf.scalar(0, 'int32'), false, undefined, 'int32'));
    return this.step;
  }
}
