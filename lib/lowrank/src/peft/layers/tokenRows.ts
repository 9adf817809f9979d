/** A table or output layer with some trained rows: PEFT's `trainable_token_indices`. */
import {
  type Embedding,
  isEmbeddingLayer,
  Linear,
  Module,
  type Projection,
  type QuantizedEmbedding,
  QuantizedLinear,
  TiedHead,
  type TokenTable,
  tiedHeadOf,
} from '../../nn';
import { gatherRows } from '../../nn/embedding';
import { NotFiniteError, tf, UnsupportedError } from '../../runtime';
import type { AdapterTensor } from '../tuner';
import { byRows } from './adapterPerRow';
import type { AdapterState } from './adapterState';
import { type BaseWeight, baseWeightOf } from './baseWeight';

/** A layer with a row for each token. */
export type TokenLayer = Embedding | QuantizedEmbedding | Linear | QuantizedLinear | TiedHead;

/** One adapter's rows. */
interface Rows {
  readonly indices: readonly number[];
  /** The rows themselves, not their differences from the base. Shapes: (n, C). */
  readonly values: tf.Variable;
}

/**
 * A frozen layer whose weight has the active adapter's rows in place of the base's: `E[i] ← D[k]`, where i is the k-th index.
 *
 * As a table, it selects rows and computes the scores of a tied head; around an output layer, it computes scores.
 *
 * Shapes: as the layer; D (n, C).
 */
export class TokenRows extends Module implements TokenTable, Projection {
  readonly #rows = new Map<string, Rows>();
  #merged: { readonly name: string; readonly originals: readonly tf.Tensor[] } | undefined;

  constructor(
    readonly baseLayer: TokenLayer,
    private readonly state: AdapterState,
  ) {
    super();
    baseLayer.freeze();
  }

  /** The base's weight. */
  get weight(): TokenTable['weight'] {
    const { baseLayer } = this;
    if (isEmbeddingLayer(baseLayer)) return baseLayer.weight;
    throw new UnsupportedError('an output layer has no table of token vectors of its own kind');
  }

  /** V, the number of tokens. */
  get numEmbeddings(): number {
    return isEmbeddingLayer(this.baseLayer) ? this.baseLayer.numEmbeddings : this.baseLayer.outFeatures;
  }

  get embeddingDim(): number {
    return isEmbeddingLayer(this.baseLayer) ? this.baseLayer.embeddingDim : this.baseLayer.inFeatures;
  }

  get inFeatures(): number {
    return this.embeddingDim;
  }

  get outFeatures(): number {
    return this.numEmbeddings;
  }

  /** The names of the adapters with rows in this layer. */
  get adapterNames(): readonly string[] {
    return [...this.#rows.keys()];
  }

  /** The adapter whose rows are merged into the base weight. */
  get mergedAdapter(): string | undefined {
    return this.#merged?.name;
  }

  /** Adds an adapter; its rows start as copies of the base's. */
  addAdapter(name: string, indices: readonly number[]): void {
    const values = tf.tidy(() =>
      tf.variable(tf.gather(this.table(baseWeightOf(this.baseLayer).read()), tf.tensor1d([...indices], 'int32'))),
    );
    this.#rows.set(name, { indices, values });
  }

  deleteAdapter(name: string): void {
    this.#rows.get(name)?.values.dispose();
    this.#rows.delete(name);
  }

  /** Makes the rows of one adapter, or of none, trainable. */
  train(names: readonly string[]): void {
    for (const [name, { values }] of this.#rows) values.trainable = names.includes(name);
  }

  forward(x: tf.Tensor): tf.Tensor {
    return isEmbeddingLayer(this.baseLayer) ? this.throughRows(x, (ids, rows) => this.pick(ids, rows)) : this.scores(x);
  }

  scores(x: tf.Tensor): tf.Tensor {
    return this.throughRows(x, (states, rows) => this.score(states, rows));
  }

  /** Merges an adapter's rows into the base weight. @throws NotFiniteError with `safeMerge` when they contain NaN or infinity. */
  merge(name: string, { safeMerge }: { readonly safeMerge: boolean }): void {
    const rows = this.#rows.get(name);
    if (!rows || this.#merged) return;
    if (safeMerge && !tf.tidy(() => tf.isFinite(rows.values).all().dataSync()[0])) {
      throw new NotFiniteError(`the token rows of '${name}' are NaN or infinite; the base is unchanged`);
    }
    tiedHeadOf(this.baseLayer)?.part(); // a head that does not follow these rows stays as it is
    const weight = this.baseWeight();
    this.#merged = { name, originals: weight.variables.map((variable) => tf.keep(variable.clone())) };
    tf.tidy(() => {
      const { hits, kept } = this.places(rows);
      const written = tf.matMul(hits, rows.values as tf.Tensor2D, true); // (n, V) x (n, C) -> (V, C)
      weight.write(this.table(this.table(weight.read()).mul(kept.expandDims(1)).add(written)));
    });
  }

  /** Restores the base weight, bit by bit. */
  unmerge(): void {
    const { originals = [] } = this.#merged ?? {};
    for (const [i, variable] of this.baseWeight().variables.entries()) variable.assign(originals[i] ?? variable);
    this.forgetOriginal();
    tiedHeadOf(this.baseLayer)?.rejoin();
  }

  /** Drops the copy that {@link unmerge} needs. */
  forgetOriginal(): void {
    tf.dispose([...(this.#merged?.originals ?? [])]);
    this.#merged = undefined;
  }

  override dispose(): void {
    this.forgetOriginal();
    super.dispose();
  }

  override *ownParameters(): IterableIterator<[string, tf.Variable]> {
    for (const [name, { values }] of this.#rows) yield [`token_adapter.trainable_tokens_delta.${name}`, values];
  }

  /** The tensors of this layer in an adapter's file, by PEFT's name. */
  *fileTensors(name: string): IterableIterator<[string, AdapterTensor]> {
    const rows = this.#rows.get(name);
    if (rows) yield [ROWS_NAME, { variable: rows.values, layout: 'same' }];
  }

  /** The base, and the rows in use. */
  override *compiledFields(): IterableIterator<readonly [string, unknown]> {
    const { isEnabled, activeAdapters, rowAdapters } = this.state;
    yield ['baseLayer', this.baseLayer];
    yield ['isMerged', this.#merged !== undefined];
    for (const name of rowAdapters ?? (isEnabled ? activeAdapters : [])) yield [name, this.#rows.get(name)];
  }

  private throughRows(x: tf.Tensor, run: (x: tf.Tensor, rows: Rows | undefined) => tf.Tensor): tf.Tensor {
    const { isEnabled, activeAdapters, rowAdapters } = this.state;
    const rowsOf = (name: string | undefined) => (isEnabled && !this.#merged ? this.#rows.get(name ?? '') : undefined);
    if (rowAdapters) return byRows(x, rowAdapters, (part, name) => run(part, rowsOf(name)));
    return tf.tidy(() => run(x, rowsOf(activeAdapters.find((name) => this.#rows.has(name)))));
  }

  /** Shapes: ids (B, T) → (B, T, C). */
  private pick(ids: tf.Tensor, rows: Rows | undefined): tf.Tensor {
    const base = this.baseLayer.forward(ids);
    if (!rows) return base;
    const { indices, values } = rows;
    const isHit = ids
      .toFloat()
      .expandDims(-1)
      .equal(tf.tensor1d([...indices])); // (B, T, n)
    const place = isHit
      .toFloat()
      .mul(tf.range(1, indices.length + 1))
      .sum(-1); // (B, T), 0 where none is hit
    const known = tf.concat([tf.zeros([1, this.embeddingDim]), values]);
    const isKept = place.equal(0).toFloat().expandDims(-1);
    const { paddingIdx = -1 } = isEmbeddingLayer(this.baseLayer) ? this.baseLayer : {};
    return base.mul(isKept).add(gatherRows(known, place.toInt(), indices.indexOf(paddingIdx) + 1)); // row 0 needs no gradient
  }

  /** Shapes: x (…, C) → (…, V). */
  private score(x: tf.Tensor, rows: Rows | undefined): tf.Tensor {
    const base = isEmbeddingLayer(this.baseLayer) ? this.baseLayer.scores(x) : this.baseLayer.forward(x);
    if (!rows) return base;
    const { hits, kept } = this.places(rows);
    const states = x.reshape<tf.Tensor2D>([-1, this.embeddingDim]); // (N, C)
    const scored = tf.matMul(tf.matMul(states, rows.values as tf.Tensor2D, false, true), hits); // (N, n) x (n, V) -> (N, V)
    return base.mul(kept).add(scored.reshape(base.shape));
  }

  /** The positions of the rows in the vocabulary. Shapes: hits (n, V), kept (V). */
  private places({ indices }: Rows): { readonly hits: tf.Tensor2D; readonly kept: tf.Tensor } {
    const ids = tf.range(0, this.numEmbeddings);
    const hits = tf
      .tensor2d([...indices], [indices.length, 1])
      .equal(ids.expandDims(0))
      .toFloat() as tf.Tensor2D;
    return { hits, kept: tf.scalar(1).sub(hits.sum(0)) };
  }

  /** Converts between a weight and a table. Shapes: (V, C) ↔ (C, V); unchanged if the layer is a table. */
  private table(weight: tf.Tensor): tf.Tensor {
    return isEmbeddingLayer(this.baseLayer) ? weight : weight.transpose();
  }

  private baseWeight(): BaseWeight {
    return baseWeightOf(this.baseLayer);
  }
}

/** PEFT's name of the rows in a file, after the layer's name. */
export const ROWS_NAME = 'token_adapter.trainable_tokens_delta';

export function isTokenLayer(module: Module | undefined): module is TokenLayer {
  return isEmbeddingLayer(module) || [Linear, QuantizedLinear, TiedHead].some((kind) => module instanceof kind);
}
