/** Operations on number formats that tfjs does not name. Only these operations accept such tensors. */
import { tf } from '../../device/tensorflow';
import { backendInternals, runOperation } from '../tfjsInternals';
import { type TypeName, typeNumber } from './typeNumbers';

/**
 * The same bits read as another type, little-endian: a narrower type adds an axis, and a wider one takes the last away.
 *
 * Shapes: (…) → (…, width of `from` / width of `to`), (…, 1/that) → (…), or as it was.
 */
export function bitcast(x: tf.Tensor, from: TypeName, to: TypeName): tf.Tensor {
  return execute('Bitcast', { T: from, type: to }, [x]);
}

/** The same values as another type, rounded to nearest, ties to even. */
export function convert(x: tf.Tensor, from: TypeName, to: TypeName): tf.Tensor {
  return execute('Cast', { SrcT: from, DstT: to }, [x]);
}

/** The values as float32; a float32 tensor is returned unchanged. */
export function widened(x: tf.Tensor, type: TypeName): tf.Tensor {
  return type === 'float32' ? x : convert(x, type, 'float32');
}

/** The same values under another shape. */
export function reshapePacked(x: tf.Tensor, type: TypeName, shape: readonly number[]): tf.Tensor {
  return execute('Reshape', { T: type, Tshape: 'int32' }, [x, tf.tensor1d([...shape], 'int32')]);
}

/** Part of the last axis. Shapes: (…, W) → (…, width). */
export function slicePacked(x: tf.Tensor, type: TypeName, begin: number, width: number): tf.Tensor {
  const starts = [...x.shape.slice(1).map(() => 0), begin];
  const sizes = [...x.shape.slice(0, -1), width];
  return execute('Slice', { T: type, Index: 'int32' }, [x, tf.tensor1d(starts, 'int32'), tf.tensor1d(sizes, 'int32')]);
}

/** Entries of a table, by unsigned bytes; unlike `tf.gather` it does not read the indices back. Shapes: (N, …), (…) → (…, …). */
export function lookUp(table: tf.Tensor, bytes: tf.Tensor): tf.Tensor {
  const indices = convert(bytes, 'uint8', 'int32');
  return execute('GatherV2', { Tparams: 'float32', Tindices: 'int32', Taxis: 'int32' }, [table, indices, tf.scalar(0, 'int32')]);
}

/** The low and the high four bits of every byte, as numbers from 0 to 15. Shapes: (…) → two of (…). */
export function nibbles(bytes: tf.Tensor): [low: tf.Tensor, high: tf.Tensor] {
  const byte = (value: number) => convert(tf.scalar(value, 'int32'), 'int32', 'uint8');
  const low = execute('BitwiseAnd', { T: 'uint8' }, [bytes, byte(15)]);
  const high = execute('RightShift', { T: 'uint8' }, [bytes, byte(4)]);
  return [convert(low, 'uint8', 'float32'), convert(high, 'uint8', 'float32')];
}

function execute(op: string, types: Readonly<Record<string, TypeName>>, inputs: tf.Tensor[]): tf.Tensor {
  const { binding } = backendInternals();
  const attributes = Object.entries(types).map(([name, type]) => ({ name, type: binding.TF_ATTR_TYPE, value: typeNumber(type) }));
  const [result] = runOperation(op, attributes, inputs, 1);
  if (!result) throw new TypeError(`TensorFlow's ${op} returned nothing`);
  return result;
}
