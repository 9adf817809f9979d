/** What TensorFlow is given, seen from inside the binding. */
import { backendInternals, type GraphBinding } from '../../../lib/src/runtime/compile/internals';

/** The shapes, comma-separated, of all that operations of graphs give while `work` runs; and what it returns. */
export function graphShapes<T>(work: () => T): { result: T; shapes: Set<string> } {
  const shapes = new Set<string>();
  const restore = replace('graphAdd', (add) => (...call) => {
    const added = add(...call);
    for (const { shape } of added) shapes.add(String(shape));
    return added;
  });
  try {
    return { result: work(), shapes };
  } finally {
    restore();
  }
}

/** The types of all operations that graphs are given while `work` runs; and what it returns. */
export function graphTypes<T>(work: () => T): { result: T; types: Set<string> } {
  const types = new Set<string>();
  const restore = replace('graphAdd', (add) => (...call) => {
    types.add(call[1]);
    return add(...call);
  });
  try {
    return { result: work(), types };
  } finally {
    restore();
  }
}

/** The texts of the modules of StableHLO that graphs are given while `work` runs. */
export function graphModules(work: () => void): string[] {
  const modules: string[] = [];
  const restore = replace('graphAdd', (add) => (...call) => {
    for (const { name, value } of call[3]) if (name === 'module') modules.push(String(value));
    return add(...call);
  });
  try {
    work();
    return modules;
  } finally {
    restore();
  }
}

/** What the binding did while `work` ran: 'run' for a function or an operation, 'send NUMBERS' for values given to the device. */
export async function runsAndSends(work: () => unknown): Promise<string[]> {
  const done: string[] = [];
  const backend = backendInternals();
  const { binding } = backend;
  const { createTensor, executeOp } = binding;
  backend.binding = Object.create(binding, {
    createTensor: {
      value: (...call: Parameters<GraphBinding['createTensor']>) => {
        done.push(`send ${call[2].byteLength / 4}`);
        return createTensor.apply(binding, call);
      },
    },
    executeOp: {
      value: (...call: Parameters<GraphBinding['executeOp']>) => {
        done.push('run');
        return executeOp.apply(binding, call);
      },
    },
  });
  try {
    await work();
    return done;
  } finally {
    backend.binding = binding;
  }
}

/** Runs the work with a binding that takes this machine's processor for a GPU: functions are as they would be there. */
export async function asOnGpu<T>(work: () => T | Promise<T>): Promise<T> {
  const backend = backendInternals();
  const { binding } = backend;
  backend.binding = Object.create(binding, { isUsingGpuDevice: { value: () => true } });
  try {
    return await work();
  } finally {
    backend.binding = binding;
  }
}

/** The names of the functions that are defined while `work` runs. */
export async function definedFunctions(work: () => unknown): Promise<string[]> {
  const names: string[] = [];
  const restore = replace('graphDefineFunction', (define) => (...call) => {
    names.push(call[1].replace(/_\d+$/, ''));
    define(...call);
  });
  try {
    await work();
    return names;
  } finally {
    restore();
  }
}

function replace<K extends 'graphAdd' | 'graphDefineFunction'>(name: K, spy: (own: GraphBinding[K]) => GraphBinding[K]): () => void {
  const backend = backendInternals();
  const { binding } = backend;
  backend.binding = Object.create(binding, { [name]: { value: spy(binding[name].bind(binding) as GraphBinding[K]) } });
  return () => {
    backend.binding = binding;
  };
}
