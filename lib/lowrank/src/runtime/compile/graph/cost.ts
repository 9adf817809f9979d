/** Counts the cost of a graph's operations from their shapes. */

import { sizeOf } from '../../sizeOf';
import type { GraphBuilder, KnownSymbol, Operation } from './graphBuilder';
import { MODULE } from './stableHlo';
import { typeBytes } from './typeNumbers';

/** The work of one call. */
export interface Cost {
  readonly operations: number;
  /**
   * A multiplication and an addition each count one; an elementwise operation counts one per element of its result, a sum one per element
   * that it adds.
   */
  readonly flops: number;
  /** Bytes that the operations read and write one by one; fused operations move less. */
  readonly bytes: number;
}

/** A function that others call. */
interface CalledFunction {
  readonly name: string;
  readonly cost: Cost;
}

/** Operations that move nothing: a constant, or the same bytes under another shape. */
const VIEWS: ReadonlySet<string> = new Set([
  'Bitcast',
  'Const',
  'EnsureShape',
  'ExpandDims',
  'Identity',
  'PartitionedCall',
  'Placeholder',
  'Reshape',
  'Squeeze',
]);

/** Operations that count one per element of their input. */
const REDUCTIONS: ReadonlySet<string> = new Set(['Max', 'Mean', 'Min', 'Prod', 'Sum']);

/**
 * Adds up what the operations cost.
 *
 * @param called - the functions that they may call
 */
export function costOf(graph: GraphBuilder, operations: readonly Operation[], called: Iterable<CalledFunction>): Cost {
  const costs = new Map(Array.from(called, ({ name, cost }) => [name, cost]));
  const total = { operations: 0, flops: 0, bytes: 0 };
  for (const operation of operations) {
    const { operations: count, flops, bytes } = costs.get(operation.calls ?? '') ?? own(graph, operation);
    total.operations += count;
    total.flops += flops;
    total.bytes += bytes;
  }
  return total;
}

function own(graph: GraphBuilder, { type, inputs, outputs }: Operation): Cost {
  if (VIEWS.has(type)) return { operations: 1, flops: 0, bytes: 0 };
  const [taken, given] = [inputs, outputs].map((symbols) => symbols.map((symbol) => graph.symbol(symbol))) as [
    KnownSymbol[],
    KnownSymbol[],
  ];
  const bytes = [...taken, ...given].reduce((sum, symbol) => sum + size(symbol) * typeBytes(symbol.dtype), 0);
  return {
    operations: 1,
    flops: flopsOf(type, taken, given),
    bytes,
  };
}

function flopsOf(type: string, taken: readonly KnownSymbol[], given: readonly KnownSymbol[]): number {
  const isAttention = type === MODULE && taken[0]?.shape.length === 4;
  if (isAttention) return attentionFlops(taken, given);
  if (REDUCTIONS.has(type)) return taken[0] ? size(taken[0]) : 0;
  if (type === MODULE && !isNativeProduct(taken)) return taken[0] ? size(taken[0]) : 0;
  const isProduct = type === 'MatMul' || type === 'BatchMatMulV2' || type === MODULE;
  return isProduct ? productFlops(taken, given) : given.reduce((sum, symbol) => sum + size(symbol), 0);
}

/** Whether a kernel multiplies rows with a weight, which have two axes and never one shape; the other kernels work element by element. */
function isNativeProduct([rows, weight]: readonly KnownSymbol[]): boolean {
  return rows?.shape.length === 2 && weight?.shape.length === 2 && rows.shape.join() !== weight.shape.join();
}

/**
 * Causal attention as one kernel: half the scores times two products, or five in the backward pass. Shapes: q (B, T, H, D), k (B, S, K, D).
 */
function attentionFlops([q, k]: readonly KnownSymbol[], given: readonly KnownSymbol[]): number {
  if (!q || !k) return 0;
  const products = given.length === 3 ? 5 : 2;
  return products * size(q) * (k.shape[1] ?? 0);
}

/** `2·M·K·N` per product; K is the axis of the first factor that the result lacks. */
function productFlops([first]: readonly KnownSymbol[], [result]: readonly KnownSymbol[]): number {
  if (!first || !result) return 0;
  const [rows = 1] = result.shape.slice(-2);
  const [a = 1, b = 1] = first.shape.slice(-2);
  return 2 * size(result) * ((a * b) / rows);
}

function size({ shape }: KnownSymbol): number {
  return sizeOf(shape);
}
