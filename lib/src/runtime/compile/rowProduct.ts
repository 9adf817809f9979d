/** Products of few rows with a weight as it is stored, by this library's part of the native binding. */
import { ShapeError, UnsupportedError } from '../errors';
import type { tf } from '../tensorflow';
import { ROW_PRODUCT } from './graphBuilder';
import { backendInternals, isRecording, runOperation } from './internals';
import { activeTrace } from './trace';

/** How a weight (out, in) is stored, one row after another: `int8` has a scale for each row besides, the last three are blocks of GGML. */
export type RowFormat = 'bfloat16' | 'int8' | 'Q4_0' | 'Q4_1' | 'Q8_0';

/** A weight in one of the formats. */
export interface RowWeight {
  readonly format: RowFormat;
  /** The weight, and its scales where the format has some. */
  readonly parts: readonly tf.Tensor[];
  readonly inFeatures: number;
  readonly outFeatures: number;
}

/** The version of the operation that takes modules as text, and asks for nothing more. */
const VERSION = 5;
/** XLA's number of the interface that the native part has. */
const TYPED_INTERFACE = 4;

/** Whether the present trace can hold such a product: XLA compiles it for the CPU, and no gradient is asked for. */
export function hasRowProducts(): boolean {
  const { binding } = backendInternals();
  return activeTrace()?.isXla === true && !isRecording() && !binding.isUsingGpuDevice() && binding.xlaHasRowProducts?.() === true;
}

/**
 * `x·Wᵀ` with sums in float32. The weight is read once, as it is stored, by all threads. It has no gradient.
 *
 * Shapes: x (N, I) → (N, O).
 *
 * @throws UnsupportedError where {@link hasRowProducts} says no; ShapeError when x has another width than the weight.
 */
export function rowProduct(x: tf.Tensor, { format, parts, inFeatures, outFeatures }: RowWeight): tf.Tensor {
  if (!hasRowProducts())
    throw new UnsupportedError('a native product of rows can only be in a function that XLA compiles for the CPU, and has no gradient');
  if (x.rank !== 2 || x.shape[1] !== inFeatures)
    throw new ShapeError(`x [${x.shape}] does not fit a weight of ${inFeatures} inputs and ${outFeatures} outputs`);
  const { binding } = backendInternals();
  const inputs = [x, ...parts];
  const result = [x.shape[0] ?? 0, outFeatures];
  const types = inputs.map(({ dtype }) => (dtype === 'int32' ? binding.TF_INT32 : binding.TF_FLOAT));
  const attributes = [
    { name: 'version', type: binding.TF_ATTR_INT, value: VERSION },
    { name: 'module', type: binding.TF_ATTR_STRING, value: moduleText(inputs, result, format) },
    { name: 'Tin', type: binding.TF_ATTR_TYPE, value: types },
    { name: 'Tout', type: binding.TF_ATTR_TYPE, value: [binding.TF_FLOAT] },
    { name: 'Sout', type: binding.TF_ATTR_SHAPE, value: [result] },
  ];
  const [product] = runOperation(ROW_PRODUCT, attributes, inputs, 1);
  if (!product) throw new TypeError(`TensorFlow's ${ROW_PRODUCT} gave nothing`);
  return product;
}

/** A module of StableHLO that does nothing but call the native part. */
function moduleText(inputs: readonly tf.Tensor[], result: readonly number[], format: RowFormat): string {
  const type = ({ shape, dtype }: Pick<tf.Tensor, 'shape' | 'dtype'>) => `tensor<${shape.join('x')}x${dtype === 'int32' ? 'i32' : 'f32'}>`;
  const output = type({ shape: [...result], dtype: 'float32' });
  const names = inputs.map((_, index) => `%${index}`);
  return `module { func.func public @main(${inputs.map((input, index) => `${names[index]}: ${type(input)}`).join(', ')}) -> ${output} {
    %y = "stablehlo.custom_call"(${names.join(', ')})
      {call_target_name = "lowrank_row_product", api_version = ${TYPED_INTERFACE} : i32, backend_config = {format = "${format}"}}
      : (${inputs.map(type).join(', ')}) -> ${output}
    return %y : ${output}
  } }`;
}
