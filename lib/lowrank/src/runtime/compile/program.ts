/** A traced function: its inputs, its results, and its backward pass. */

import { tf } from '../device/tensorflow';
import { UnsupportedError } from '../errors';
import { sizeOf } from '../sizeOf';
import type { ContextFunction } from './graph/contextFunction';
import type { Cost } from './graph/cost';
import { mapLeaves } from './signature';
import { backendInternals, engineInternals, isRecording, runOperation, type TensorInfo } from './tfjsInternals';
import { Slot } from './tracing/runTrace';
import { activeTrace, type Trace } from './tracing/trace';

/** A report on one trace of a compiled function; it includes the work of called functions. */
export interface FunctionReport {
  readonly name: string;
  /** The shapes of the tensors among the arguments. */
  readonly arguments: string;
  readonly isXla: boolean;
  /** Whether the counts are of forward and backward pass together. */
  readonly hasGradient: boolean;
  readonly operations: number;
  /** Elements of the variables and other tensors that it uses besides its arguments. */
  readonly parameters: number;
  readonly flops: number;
  /** Bytes read and written, operation by operation; operations that XLA fuses move less. */
  readonly bytes: number;
  readonly traceMilliseconds: number;
  /** Undefined before the first call, and for a function called by compiled functions alone. */
  readonly firstCallMilliseconds: number | undefined;
}

/** The gradient of a program, as a function of the gradients by its results. */
export interface BackwardPass {
  readonly fn: ContextFunction;
  /** The inputs: gradients by results, sources, then the saved activations of the forward pass. */
  readonly given: readonly ({ readonly result: number } | { readonly source: number })[];
  /** The sources by which it returns gradients. */
  readonly wanted: readonly number[];
}

/**
 * The parts of a program. Its sources are the tensors among the arguments, the parameters of the trees among them, and the captures. The
 * function returns the results of the call, the new values of the assigned sources, and the saved activations.
 */
interface ProgramParts {
  readonly forward: ContextFunction;
  /** Which sources the function takes. */
  readonly sources: readonly number[];
  readonly captures: readonly TensorInfo[];
  /** Values written while tracing, which this program owns. */
  readonly lifted: readonly TensorInfo[];
  /** The result of the call with a {@link Slot} for each tensor. */
  readonly template: unknown;
  readonly numResults: number;
  /** The sources that the call assigns to. */
  readonly assigned: readonly number[];
  readonly backward?: BackwardPass;
  /** The number of sources that are tensors among the arguments. */
  readonly numArguments: number;
  /** The ids, at the time of tracing, of the sources whose gradients are asked for. */
  readonly mask: string;
  readonly owner: Trace | undefined;
  readonly milliseconds: number;
}

export class Program {
  /** The time of the first call, with the preparations of TensorFlow and XLA. */
  private firstCall: number | undefined;

  constructor(readonly parts: ProgramParts) {}

  /** One call; `given` are the tensors and parameters of this call. */
  run(given: readonly tf.Tensor[]): unknown {
    const begin = performance.now();
    const result = this.call(given);
    this.firstCall ??= activeTrace() ? undefined : performance.now() - begin;
    return result;
  }

  report(): FunctionReport {
    const { forward, backward, sources, numArguments, milliseconds } = this.parts;
    const inputs = forward.inputs.map(({ shape }, index) => ({ shape, isArgument: (sources[index] as number) < numArguments }));
    const costs = [forward.cost, ...(backward ? [backward.fn.cost] : [])];
    const sum = (of: (cost: Cost) => number) => costs.reduce((total, cost) => total + of(cost), 0);
    return {
      name: forward.name,
      arguments: inputs
        .filter(({ isArgument }) => isArgument)
        .map(({ shape }) => `[${shape}]`)
        .join(' '),
      isXla: forward.isXla,
      hasGradient: backward !== undefined,
      operations: sum(({ operations }) => operations),
      parameters: inputs.reduce((total, { shape, isArgument }) => total + (isArgument ? 0 : sizeOf(shape)), 0),
      flops: sum(({ flops }) => flops),
      bytes: sum(({ bytes }) => bytes),
      traceMilliseconds: milliseconds,
      firstCallMilliseconds: this.firstCall,
    };
  }

  private call(given: readonly tf.Tensor[]): unknown {
    const { template, numResults, assigned, captures, backward } = this.parts;
    const sources = [...given, ...captures];
    const tensors = backward ? this.recorded(sources, backward) : this.forward(sources);
    for (const [index, source] of assigned.entries()) {
      const value = tensors[numResults + index] as tf.Tensor;
      (sources[source] as tf.Variable).assign(value);
      value.dispose();
    }
    return mapLeaves(template, (leaf) => (leaf instanceof Slot ? tensors[leaf.index] : leaf));
  }

  dispose(): void {
    const { forward, backward, lifted } = this.parts;
    forward.release();
    backward?.fn.release();
    for (const { dataId } of lifted) backendInternals().disposeData(dataId);
  }

  private forward(sources: readonly TensorInfo[]): tf.Tensor[] {
    return callFunction(
      this.parts.forward,
      this.parts.sources.map((source) => sources[source] as TensorInfo),
    );
  }

  /** The call as one operation on tfjs's tape. */
  private recorded(sources: readonly TensorInfo[], { fn, given, wanted }: BackwardPass): tf.Tensor[] {
    const engine = engineInternals();
    const numOutputs = this.parts.numResults + this.parts.assigned.length;
    const kept = given.flatMap((one) => ('source' in one ? [sources[one.source] as TensorInfo] : []));
    return engine.runKernelFunc({
      inputs: Object.fromEntries(wanted.map((source) => [source, sources[source] as tf.Tensor])),
      forwardFunc: (_, save) => {
        const outputs = this.forward(sources);
        save([...kept.map(asTensor), ...outputs.slice(numOutputs)]);
        return outputs.slice(0, numOutputs);
      },
      backwardsFunc: (dys, saved) => {
        if (isRecording()) throw new UnsupportedError(`second derivatives through the compiled function '${fn.name}' are not recorded`);
        const resultGradients = [dys].flat();
        const rest = [...saved];
        const inputs = given.map((one) => ('result' in one ? resultGradients[one.result] : rest.shift()) as tf.Tensor);
        const gradients = callFunction(fn, [...inputs, ...rest]);
        return Object.fromEntries(wanted.map((source, index) => [source, () => gradients[index] as tf.Tensor]));
      },
    });
  }
}

/** A value that this program owns, as a tensor that can be saved. */
function asTensor(source: TensorInfo): tf.Tensor {
  if (source instanceof tf.Tensor) return source;
  backendInternals().incRef(source.dataId);
  return engineInternals().makeTensorFromTensorInfo(source);
}

/**
 * Runs a function, or adds the call to the running trace.
 *
 * @throws ShapeError when an input has another shape or type than the function expects.
 */
function callFunction(fn: ContextFunction, inputs: readonly TensorInfo[]): tf.Tensor[] {
  fn.check(inputs);
  return activeTrace()?.call(fn, inputs) ?? runOperation(fn.name, [], inputs, fn.outputs.length);
}
