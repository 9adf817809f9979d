/** The weight of the layer under adapters, however it is kept. */
import { type Module, QuantizedEmbedding, QuantizedWeight, TiedHead } from '../../nn';
import { StateError, tf, UnsupportedError } from '../../runtime';

/** A weight that adapters read and merge into; Shapes: (I, O), for an embedding (V, C). */
export interface BaseWeight {
  /** A name for how it is kept, `float32` for a plain variable. */
  readonly format: string;
  /** What holds it: a merge that is to be taken back copies these. */
  readonly variables: readonly tf.Variable[];
  /** The values as 32-bit floats, dequantised if need be. */
  read(): tf.Tensor;
  /** Takes on other values, rounded to the format in which it is kept. */
  write(values: tf.Tensor): void;
}

/** @throws UnsupportedError when the layer has no weight of its own. */
export function baseWeightOf(layer: Module): BaseWeight {
  if (layer instanceof TiedHead) return tiedBase(layer);
  const weight: unknown = Reflect.get(layer, 'weight');
  if (weight instanceof tf.Variable) {
    return { format: 'float32', variables: [weight], read: () => weight, write: (values) => weight.assign(values) };
  }
  if (weight instanceof QuantizedWeight) return storedBase(weight, layer instanceof QuantizedEmbedding);
  throw new UnsupportedError(`a ${layer.constructor.name} has no weight of its own to read or to merge into`);
}

/** A tied head is merged into once it has a weight of its own: see {@link TiedHead.part}. */
function tiedBase(head: TiedHead): BaseWeight {
  const { ownHead } = head;
  return {
    format: 'float32',
    variables: ownHead ? [ownHead.weight] : [],
    read: () => head.values(),
    write: (values) => {
      if (!ownHead) throw new StateError('a tied output layer is written to only once it has been parted from the embedding');
      ownHead.weight.assign(values);
    },
  };
}

/** A projection's stored weight lies as in files, (O, I). */
function storedBase(weight: QuantizedWeight, isTable: boolean): BaseWeight {
  const turned = (values: tf.Tensor) => (isTable ? values : values.transpose());
  return {
    format: weight.format,
    variables: [...weight.ownParameters()].map(([, variable]) => variable),
    read: () => tf.tidy(() => turned(weight.unpack())),
    write: (values) => tf.tidy(() => weight.assign(turned(values))),
  };
}
