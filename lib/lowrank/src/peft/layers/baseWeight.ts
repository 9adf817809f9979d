/** The weight of the layer under adapters, in any storage. */
import { type Module, QuantizedEmbedding, QuantizedWeight, TiedHead } from '../../nn';
import { StateError, tf, UnsupportedError } from '../../runtime';

/** A weight that adapters read and merge into; Shapes: (I, O), for an embedding (V, C). */
export interface BaseWeight {
  /** The name of its storage; `float32` for a plain variable. */
  readonly format: string;
  /** Its variables: a merge copies them if it must be undone later. */
  readonly variables: readonly tf.Variable[];
  /** The values as 32-bit floats, dequantised if necessary. */
  read(): tf.Tensor;
  /** Replaces the values, rounded to the storage format. */
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

/** A tied head needs its own weight before a merge: see {@link TiedHead.part}. */
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

/** The packed weight of a projection has the layout of files, (O, I). */
function storedBase(weight: QuantizedWeight, isTable: boolean): BaseWeight {
  const turned = (values: tf.Tensor) => (isTable ? values : values.transpose());
  return {
    format: weight.format,
    variables: [...weight.ownParameters()].map(([, variable]) => variable),
    read: () => tf.tidy(() => turned(weight.unpack())),
    write: (values) => tf.tidy(() => weight.assign(turned(values))),
  };
}
