/** What the adapted layers of one model share: which adapters act, and whether dropout does. */
import { deriveSeed, tf } from '../runtime';
import { nodeBackend } from '../runtime/backend';

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
  /** Dropout acts only while this is on. */
  isTraining = false;
  /** One adapter's name per row of the batch, for batches of mixed adapters; `__base__` is none. */
  rowAdapters: readonly string[] | undefined;
  private step: tf.Variable | undefined; // int32, made when training first begins

  constructor(activeAdapters: readonly string[] = ['default']) {
    this.activeAdapters = activeAdapters;
  }

  /** Moves on to the next step's dropout masks; outside training mode it does nothing. */
  nextStep(): void {
    if (!this.isTraining) return;
    tf.tidy(() => this.stepVariable().assign(this.stepVariable().add(tf.scalar(1, 'int32'))));
  }

  /**
   * Inverted dropout's factors for this step: 0 with probability `rate`, else `1/(1 − rate)`.
   *
   * @param seed - tells the layers of a model apart
   */
  dropoutMask(shape: readonly number[], rate: number, seed: number): tf.Tensor {
    return tf.tidy(() => {
      const key = tf.stack([tf.scalar(deriveSeed(seed) >> 1, 'int32'), this.stepVariable()]);
      const kept = statelessUniform(shape, key).greaterEqual(rate);
      return kept.cast('float32').div(1 - rate);
    });
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

/** Numbers in [0, 1) that depend on the key alone. Shapes: key (2) int32. */
function statelessUniform(shape: readonly number[], key: tf.Tensor): tf.Tensor {
  const backend = nodeBackend();
  const { TF_ATTR_TYPE, TF_FLOAT, TF_INT32 } = backend.binding;
  const attributes = [
    { name: 'dtype', type: TF_ATTR_TYPE, value: TF_FLOAT },
    { name: 'T', type: TF_ATTR_TYPE, value: TF_INT32 },
    { name: 'Tseed', type: TF_ATTR_TYPE, value: TF_INT32 },
  ];
  return backend.executeSingleOutput('StatelessRandomUniform', attributes, [tf.tensor1d([...shape], 'int32'), key]);
}
