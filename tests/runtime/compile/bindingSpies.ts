/** What TensorFlow is given, seen from inside the binding. */
import { backendInternals, type GraphBinding } from '../../../lib/lowrank/src/runtime/compile/tfjsInternals';

/** Adding an operation to a graph, as the binding is called for it. */
type Addition = { readonly call: Parameters<GraphBinding['graphAdd']>; readonly added: ReturnType<GraphBinding['graphAdd']> };

/** The shapes, comma-separated, of all that operations of graphs give while `work` runs; and what it returns. */
export function graphShapes<T>(work: () => T): { result: T; shapes: Set<string> } {
  const { result, additions } = additionsOf(work);
  return { result, shapes: new Set(additions.flatMap(({ added }) => added.map(({ shape }) => String(shape)))) };
}

/** The types of all operations that graphs are given while `work` runs; and what it returns. */
export function graphTypes<T>(work: () => T): { result: T; types: Set<string> } {
  const { result, additions } = additionsOf(work);
  return { result, types: new Set(additions.map(({ call: [, type] }) => type)) };
}

/** The texts of the modules of StableHLO that graphs are given while `work` runs. */
export function graphModules(work: () => void): string[] {
  const attributes = additionsOf(work).additions.flatMap(({ call: [, , , given] }) => given);
  return attributes.flatMap(({ name, value }) => (name === 'module' ? [String(value)] : []));
}

/** The names of the functions that graphs call by operations added while `work` runs. */
export function calledFunctions(work: () => void): string[] {
  const attributes = additionsOf(work).additions.flatMap(({ call: [, , , given] }) => given);
  return attributes.flatMap(({ name, value }) => (name === 'f' ? [String(value).replace(/_\d+$/, '')] : []));
}

/** The names of the functions that are defined while `work` runs. */
export async function definedFunctions(work: () => unknown): Promise<string[]> {
  const names: string[] = [];
  const { binding } = backendInternals();
  const graphDefineFunction: GraphBinding['graphDefineFunction'] = (...call) => {
    names.push(call[1].replace(/_\d+$/, ''));
    binding.graphDefineFunction(...call);
  };
  await withBinding({ graphDefineFunction }, async () => work());
  return names;
}

/** What the binding did while `work` ran: 'run' for a function or an operation, 'send NUMBERS' for values given to the device. */
export async function runsAndSends(work: () => unknown): Promise<string[]> {
  const done: string[] = [];
  const { binding } = backendInternals();
  const createTensor: GraphBinding['createTensor'] = (...call) => {
    done.push(`send ${call[2].byteLength / 4}`);
    return binding.createTensor(...call);
  };
  const executeOp: GraphBinding['executeOp'] = (...call) => {
    done.push('run');
    return binding.executeOp(...call);
  };
  await withBinding({ createTensor, executeOp }, async () => work());
  return done;
}

/** Runs the work with a binding that takes this machine's processor for a GPU: functions are as they would be there. */
export function asOnGpu<T>(work: () => T | Promise<T>): Promise<T> {
  return withBinding({ isUsingGpuDevice: () => true }, async () => work());
}

function additionsOf<T>(work: () => T): { result: T; additions: Addition[] } {
  const additions: Addition[] = [];
  const { binding } = backendInternals();
  const graphAdd: GraphBinding['graphAdd'] = (...call) => {
    const added = binding.graphAdd(...call);
    additions.push({ call, added });
    return added;
  };
  return { result: withBinding({ graphAdd }, work), additions };
}

/** Runs the work with some of the binding's functions replaced; what it promises is waited for before they are put back. */
export function withBinding<T>(replaced: { readonly [K in keyof GraphBinding]?: GraphBinding[K] | undefined }, work: () => T): T {
  const backend = backendInternals();
  const { binding } = backend;
  const restore = () => {
    backend.binding = binding;
  };
  backend.binding = Object.create(binding, Object.getOwnPropertyDescriptors(replaced)); // its own functions are read-only
  let result: T | undefined;
  try {
    result = work();
    return result instanceof Promise ? (result.finally(restore) as T) : result;
  } finally {
    if (!(result instanceof Promise)) restore();
  }
}
