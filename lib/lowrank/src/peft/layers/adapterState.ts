/** The state that the adapted layers of a model share: the active adapters, and dropout. */
import { deriveSeed, tf, UnsupportedError } from '../../runtime';
import { statelessUniform } from '../../runtime/statelessRandom';

/** Consecutive rows of a batch. */
export type RowRange = {
  readonly first: number;
  readonly count: number;
  /** The number of rows of the batch. */
  readonly of: number;
};

/**
 * One object for all adapted layers of a model: switching adapters or training mode is a single assignment.
 *
 * Dropout masks are a pure function of (seed of the layer, step). The step is a tensor that {@link nextStep} increments once per training
 * forward. A seed therefore repeats a run, a recomputed forward uses the masks of the first one, and a traced step draws new masks at every
 * replay, which a JavaScript generator, constant in a trace, would not.
 */
export class AdapterState {
  /** The active adapters, in the order of their updates. */
  activeAdapters: readonly string[];
  /** False inside `disableAdapter`: every layer then acts as its base. */
  isEnabled = true;
  /** The adapter of each row, for batches with different adapters; `__base__` means none. */
  rowAdapters: readonly string[] | undefined;
  /** The rows of a batch in the next passes, if not all: each row gets the same mask as in the whole batch. */
  rows: RowRange | undefined;
  private training = false;
  private step: tf.Variable | undefined; // int32, created when training first begins: a traced step cannot create it

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

  /** The number of steps with dropout masks, from which a resumed run continues. */
  get dropoutStep(): number {
    return this.step?.dataSync()[0] ?? 0;
  }

  set dropoutStep(step: number) {
    tf.tidy(() => this.stepVariable().assign(tf.scalar(step, 'int32')));
  }

  /** Advances to the dropout masks of the next step; does nothing outside training mode. */
  nextStep(): void {
    if (!this.isTraining) return;
    tf.tidy(() => this.stepVariable().assign(this.stepVariable().add(tf.scalar(1, 'int32'))));
  }

  /** An input as an update's dropout leaves it, in training mode. */
  dropped(x: tf.Tensor, { dropout, dropoutSeed }: { readonly dropout: number; readonly dropoutSeed: tf.Variable | undefined }): tf.Tensor {
    return this.isTraining && dropoutSeed ? x.mul(this.dropoutMask(x.shape, dropout, dropoutSeed)) : x;
  }

  /**
   * Inverted dropout's factors for this step: 0 with probability `rate`, else `1/(1 − rate)`.
   *
   * @param seed - distinguishes the layers of a model; int32 ()
   */
  dropoutMask(shape: readonly number[], rate: number, seed: tf.Tensor): tf.Tensor {
    return tf.tidy(() => {
      const key = tf.stack([seed, this.stepVariable()]);
      const kept = this.ofRows(shape, (whole) => statelessUniform(whole, key)).greaterEqual(rate);
      return kept.cast('float32').div(1 - rate);
    });
  }

  /** Runs `run` with an adapter for each row; a promise keeps them until it settles. */
  withRows<T>(names: readonly string[], run: () => T): T {
    this.rowAdapters = names;
    return finallyDo(run, () => {
      this.rowAdapters = undefined;
    });
  }

  /** Runs `run` outside training mode. */
  withoutDropout<T>(run: () => T): T {
    const { isTraining } = this;
    this.isTraining = false;
    return finallyDo(run, () => {
      this.isTraining = isTraining;
    });
  }

  /** The fields that decide a pass through a layer, besides its active updates. */
  *trainingFields(): IterableIterator<readonly [string, unknown]> {
    yield ['isTraining', this.training];
    if (this.training) yield ['step', this.stepVariable()];
    if (this.training && this.rows) yield ['rows', this.rows];
  }

  /** The present rows of the mask of the whole batch. */
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

/** The seed of a layer's dropout masks, if it has dropout; a tensor, because all layers then share one compiled function. Shape (), int32. */
export function dropoutSeedOf(dropout: number, seed: number): tf.Variable | undefined {
  return dropout > 0 ? tf.tidy(() => tf.variable(tf.scalar(deriveSeed(seed) >> 1, 'int32'), false)) : undefined;
}

/** `try … finally` that waits for a promise. */
export function finallyDo<T>(run: () => T, after: () => void): T {
  let isPending = false;
  try {
    const result = run();
    if (!(result instanceof Promise)) return result;
    isPending = true;
    return result.finally(after) as T;
  } finally {
    if (!isPending) after();
  }
}
