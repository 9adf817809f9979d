/** Matrix products in bfloat16, in a graph whose values are float32 otherwise. */
import type { OpAttribute } from '../../device/backend';
import type { GraphBinding } from '../tfjsInternals';
import type { GraphBuilder, Operation } from './graphBuilder';

/** Operations that move values unchanged, and the number of inputs, from the first, that they move. */
const MOVES: Readonly<Record<string, (inputs: readonly number[]) => number>> = {
  ConcatV2: (inputs) => inputs.length - 1,
  Reshape: () => 1,
  Slice: () => 1,
  SplitV: () => 1,
  Transpose: () => 1,
};

/** Keeps the bfloat16 form of each float32 symbol, so that none is cast twice, and none that was bfloat16 before. */
export class Bfloat16Products {
  private readonly halves = new Map<number, number>();
  private readonly originals = new Map<number, number | undefined>();

  constructor(
    private readonly graph: GraphBuilder,
    private readonly binding: GraphBinding,
  ) {}

  /** A matrix product in bfloat16; its inputs and its result are float32 for the rest of the graph. */
  product(type: string, attributes: readonly OpAttribute[], inputs: readonly number[]): number {
    const { binding } = this;
    const inHalf = attributes.map((attribute) => (attribute.name === 'T' ? { ...attribute, value: binding.TF_BFLOAT16 } : attribute));
    const product = this.graph.single(
      type,
      inHalf,
      inputs.map((input) => this.half(input)),
    );
    return this.graph.cast(product, binding.TF_FLOAT);
  }

  /** A float32 symbol in bfloat16. */
  private half(symbol: number): number {
    const known = this.halves.get(symbol);
    if (known !== undefined) return known;
    const half = this.original(symbol) ?? this.graph.cast(symbol, this.binding.TF_BFLOAT16);
    this.halves.set(symbol, half);
    return half;
  }

  /** The bfloat16 symbol that a float32 symbol was cast from, with the moves since: a stored weight or the result of another product. */
  original(symbol: number): number | undefined {
    if (!this.originals.has(symbol)) this.findOriginals(this.graph.operationOf(symbol));
    return this.originals.get(symbol);
  }

  private findOriginals({ type, inputs, outputs }: Operation): void {
    const moved = inputs.slice(0, MOVES[type]?.(inputs) ?? 0).map((input) => this.original(input));
    const halves = moved.filter((half) => half !== undefined);
    let found: readonly (number | undefined)[] = [];
    if (type === 'Cast') found = inputs.filter((input) => this.graph.symbol(input).dtype === this.binding.TF_BFLOAT16);
    else if (halves.length > 0 && halves.length === moved.length)
      found = this.moved(type, [...halves, ...inputs.slice(moved.length)], outputs);
    for (const [index, output] of outputs.entries()) this.originals.set(output, found[index]);
  }

  private moved(type: string, inputs: readonly number[], { length }: readonly number[]): readonly number[] {
    const parts = type === 'SplitV' ? [{ name: 'num_split', type: this.binding.TF_ATTR_INT, value: length }] : [];
    return this.graph.operation(type, parts, inputs);
  }
}
