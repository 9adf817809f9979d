/** Streams a model's tensors from its files into parameters. */
import { setImmediate as turnOfTheEventLoop } from 'node:timers/promises';
import { AbortedError, FormatError } from '../../runtime';
import { interruptible } from '../../runtime/interruptible';
import { checkMemory } from '../../runtime/memory/memoryBudget';
import { shown } from '../../runtime/messages/shown';
import { sizeOf } from '../../runtime/sizeOf';
import type { Parameters } from '../buildModel';
import { loadingPlan } from '../memory/memoryPlan';
import { isKernel, parameterShapes } from '../parameterShapes';
import type { ModelFiles } from './modelSource';
import { float32Reader, type Parameter } from './parameterReader';
import { type StorageOptions, storedReader } from './quantizedReader';

/** Progress of loading. */
export interface LoadProgress {
  /** Hugging Face's name of the parameter read last. */
  readonly name: string;
  /** Number of values read so far, out of `total`. */
  readonly done: number;
  readonly total: number;
}

/** How to load a model. */
export interface LoadOptions extends StorageOptions {
  /** Called after each parameter. */
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Stops loading between two parameters and frees those already read. */
  readonly signal?: AbortSignal;
}

/**
 * Reads every parameter of the configuration. All names and shapes are checked before the first is read, so a file that does not fit
 * costs no memory.
 *
 * @throws FormatError when tensors are missing, unexpected or have wrong shapes; AbortedError when `signal`, SIGINT or SIGTERM stopped it.
 */
export function loadParameters(files: ModelFiles, options: LoadOptions): Promise<Parameters> {
  return interruptible(options.signal, (signal) => load(files, { ...options, signal }));
}

async function load(files: ModelFiles, options: LoadOptions): Promise<Parameters> {
  const shapes = checkedShapes(files);
  checkMemory(loadingPlan(files.config, options), {
    what: `loading ${files.path}`,
    remedy: "Load it in fewer bits (dtype: 'bfloat16', or quantize: 'q4_1'), or take a smaller model",
  });
  const total = sum(shapes.values());
  const read = storedReader(options, float32Reader(Math.max(...Array.from(shapes.values(), sizeOf))));
  const made = new Map<string, Parameter>();
  let done = 0;
  try {
    for (const [name, shape] of shapes) {
      if (options.signal?.aborted) throw new AbortedError(`loading ${files.path} was stopped after ${done} of ${total} values`);
      const tensor = files.tensor(name);
      if (!tensor) throw new FormatError(`${files.path} has no tensor '${name}'`);
      made.set(name, read(name, shape, tensor));
      done += sizeOf(shape);
      options.onProgress?.({ name, done, total });
      await turnOfTheEventLoop();
    }
  } catch (error) {
    for (const parameter of made.values()) parameter.dispose();
    throw error;
  }
  return made;
}

/** Maximum number of faults in a message. */
const LISTED = 10;

function checkedShapes(files: ModelFiles): ReadonlyMap<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  const faults: string[] = [];
  for (const [name, shape] of parameterShapes(files.config)) {
    const stored = files.tensor(name)?.shape;
    const expected = isKernel(name, shape) ? shape.toReversed() : shape;
    if (!stored) faults.push(`'${name}' is missing`);
    else if (stored.join() !== expected.join()) faults.push(`'${name}' has shape [${stored}], not [${expected}]`);
    if (faults.length >= LISTED) break; // a configuration may claim arbitrarily many layers
    shapes.set(name, shape);
  }
  if (faults.length < LISTED) {
    const unexpected = files.names.filter((name) => !shapes.has(name) && !(files.config.tieWordEmbeddings && name === 'lm_head.weight'));
    faults.push(...unexpected.slice(0, LISTED).map((name) => `${shown(name)} is not expected`));
  }
  if (faults.length > 0) {
    throw new FormatError(`${files.path}: the tensors are not those that its configuration asks for: ${faults.join('; ')}`);
  }
  return shapes;
}

function sum(shapes: Iterable<readonly number[]>): number {
  return [...shapes].reduce((total, shape) => total + sizeOf(shape), 0);
}
