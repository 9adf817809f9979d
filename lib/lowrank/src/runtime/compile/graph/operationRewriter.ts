/** Adds tfjs's operations to a graph, rewritten where TensorFlow, XLA or the precision requires it. */
import type { OpAttribute } from '../../device/backend';
import { UnsupportedError } from '../../errors';
import type { Precision } from '../precision';
import { type GraphBinding, sourceLine } from '../tfjsInternals';
import type { Bfloat16Products } from './bfloat16Products';
import type { GraphBuilder } from './graphBuilder';

const MATRIX_PRODUCTS: ReadonlySet<string> = new Set(['MatMul', 'BatchMatMulV2']);

export class OperationRewriter {
  constructor(
    private readonly graph: GraphBuilder,
    private readonly binding: GraphBinding,
    private readonly products: Bfloat16Products,
    private readonly precision: Precision,
  ) {}

  /** Adds an operation. @throws UnsupportedError when it cannot be compiled once for all inputs. */
  add(type: string, attributes: readonly OpAttribute[], inputs: readonly number[]): readonly number[] {
    if (type === 'AddN') return [this.sum(inputs)]; // Grappler makes AddN a TemporaryVariable, which XLA cannot compile
    if (type === 'StridedSlice') this.requireConstantPositions(inputs);
    if (MATRIX_PRODUCTS.has(type)) inputs = inputs.map((input) => this.guarded(input));
    const isProduct = MATRIX_PRODUCTS.has(type) && inputs.every((input) => this.graph.symbol(input).dtype === this.binding.TF_FLOAT);
    if (this.precision === 'bfloat16' && isProduct) return [this.products.product(type, attributes, inputs)];
    return this.graph.operation(type, attributes, inputs);
  }

  /**
   * A factor of a matrix product. If the factor is itself a product with the second or a later result of an operation, TensorFlow 2.21
   * fuses the two on CPUs as if it were the first result (`_MklFusedBatchMatMulV2`). An identity operation in between prevents it.
   */
  private guarded(factor: number): number {
    const { type, inputs } = this.graph.operationOf(factor);
    if (type !== 'Mul' || !inputs.some((input) => this.isLaterResult(input))) return factor;
    const { binding } = this;
    return this.graph.single(
      'EnsureShape',
      [{ name: 'shape', type: binding.TF_ATTR_SHAPE, value: this.graph.symbol(factor).shape }],
      [factor],
    );
  }

  /** Whether a symbol is the second or a later result of an operation, also through operations that change nothing. */
  private isLaterResult(symbol: number): boolean {
    const { type, inputs, outputs } = this.graph.operationOf(symbol);
    const [source] = inputs;
    const isPassing = type === 'Identity' || type === 'Reshape';
    return isPassing && source !== undefined ? this.isLaterResult(source) : outputs.indexOf(symbol) > 0;
  }

  private sum(terms: readonly number[]): number {
    const [first, ...rest] = terms as [number, ...number[]];
    return rest.reduce((sum, term) => this.graph.single('AddV2', [], [sum, term]), first);
  }

  /** A computed position would make XLA compile again for each of its values. */
  private requireConstantPositions([, begin, end]: readonly number[]): void {
    for (const position of [begin, end]) {
      if (position !== undefined && this.graph.operationOf(position).type !== 'Const') {
        throw new UnsupportedError(
          `StridedSlice at a computed position cannot be compiled once for all positions (${sourceLine()}): use tf.gather`,
        );
      }
    }
  }
}
