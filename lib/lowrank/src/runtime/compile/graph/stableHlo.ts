/** StableHLO modules that call kernels of XLA by name; TensorFlow passes them to XLA unchanged. */
import type { tf } from '../../device/tensorflow';
import { backendInternals, runOperation } from '../tfjsInternals';
import { type TypeName, typeNumber } from './typeNumbers';

/** The graph operation of a module. */
export const MODULE = 'XlaCallModule';

/** The version of the operation that takes modules as text and needs nothing else. */
const VERSION = 5;

/** StableHLO's names of the types. */
const TYPE_TEXTS = { float32: 'f32', int32: 'i32', uint8: 'ui8', bfloat16: 'bf16' } as const satisfies Partial<Record<TypeName, string>>;

/** A value of a module; only raw operations accept a type that tfjs does not name. */
interface ModuleValue {
  readonly type: keyof typeof TYPE_TEXTS;
  readonly shape: readonly number[];
}

/** An operand or a result of a kernel. */
export interface KernelValue extends ModuleValue {
  /** Its axes in the order in memory, the outermost first. @defaultValue as in the shape */
  readonly order?: readonly number[];
}

/** A custom call: its target's name, its API version and its configuration. */
export interface CustomCall {
  readonly target: string;
  /** XLA's number of the API: 2 takes the configuration as text, 4 as attributes. */
  readonly apiVersion: 2 | 4;
  /** As StableHLO writes it. */
  readonly config: string;
}

/**
 * Runs a kernel inside a function that XLA compiles. The module calls the kernel and reorders the axes of its operands and results; XLA
 * does that without a copy, by another reading of the same memory.
 *
 * @param operands - the operands of the kernel, each with its tensor; their axes are in the order in memory
 * @param hidden - further results that the kernel uses itself
 */
export function callKernel(
  kernel: CustomCall,
  operands: readonly { readonly tensor: tf.Tensor; readonly value: KernelValue }[],
  results: readonly KernelValue[],
  hidden: readonly KernelValue[] = [],
): tf.Tensor[] {
  const { binding } = backendInternals();
  const values = operands.map(({ value }) => value);
  const attributes = [
    { name: 'version', type: binding.TF_ATTR_INT, value: VERSION },
    { name: 'module', type: binding.TF_ATTR_STRING, value: moduleText(kernel, values, { results, hidden }) },
    { name: 'Tin', type: binding.TF_ATTR_TYPE, value: values.map(({ type }) => typeNumber(type)) },
    { name: 'Tout', type: binding.TF_ATTR_TYPE, value: results.map(({ type }) => typeNumber(type)) },
    { name: 'Sout', type: binding.TF_ATTR_SHAPE, value: results.map(inMemory).map(({ shape }) => shape) },
  ];
  const tensors = operands.map(({ tensor }) => tensor);
  return runOperation(MODULE, attributes, tensors, results.length);
}

function moduleText(
  { target, apiVersion, config }: CustomCall,
  operands: readonly KernelValue[],
  { results, hidden }: { readonly results: readonly KernelValue[]; readonly hidden: readonly KernelValue[] },
): string {
  const list = (values: readonly ModuleValue[]) => values.map(typeText).join(', ');
  const layouts = (values: readonly KernelValue[]) => `[${values.map(layoutText).join(', ')}]`;
  const transpose = (name: string, from: ModuleValue, to: ModuleValue, axes: readonly number[]) =>
    `stablehlo.transpose ${name}, dims = [${axes.join(', ')}] : (${typeText(from)}) -> ${typeText(to)}`;
  const given = [...results, ...hidden];
  const taken = operands.map(inMemory);
  const returned = results.map(inMemory);
  return `module { func.func public @main(${taken.map((value, n) => `%a${n}: ${typeText(value)}`).join(', ')}) -> (${list(returned)}) {
    ${operands.map((value, n) => `%k${n} = ${transpose(`%a${n}`, inMemory(value), value, inverse(orderOf(value)))}`).join('\n    ')}
    %r:${given.length} = "stablehlo.custom_call"(${operands.map((_, n) => `%k${n}`).join(', ')})
      {call_target_name = "${target}", api_version = ${apiVersion} : i32, backend_config = ${config},
       operand_layouts = ${layouts(operands)}, result_layouts = ${layouts(given)}}
      : (${list(operands)}) -> (${list(given)})
    ${results.map((value, n) => `%m${n} = ${transpose(`%r#${n}`, value, inMemory(value), orderOf(value))}`).join('\n    ')}
    return ${results.map((_, n) => `%m${n}`).join(', ')} : ${list(returned)}
  } }`;
}

/** The value with its axes in memory order. */
function inMemory(value: KernelValue): ModuleValue {
  return { type: value.type, shape: orderOf(value).map((axis) => value.shape[axis] ?? 0) };
}

function orderOf({ shape, order }: KernelValue): readonly number[] {
  return order ?? shape.map((_, axis) => axis);
}

function inverse(order: readonly number[]): number[] {
  return order.map((_, axis) => order.indexOf(axis));
}

function typeText({ type, shape }: ModuleValue): string {
  return `tensor<${[...shape, TYPE_TEXTS[type]].join('x')}>`;
}

/** The axes from the innermost outwards. */
function layoutText(value: KernelValue): string {
  const axes = [...orderOf(value)].reverse();
  return `dense<[${axes.join(', ')}]> : tensor<${axes.length}xindex>`;
}
