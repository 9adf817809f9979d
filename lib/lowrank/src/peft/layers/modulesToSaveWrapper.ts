/** A module with trained copies: PEFT's `modules_to_save`. */
import {
  Embedding,
  isEmbeddingLayer,
  Linear,
  Module,
  type PackedWeight,
  type Projection,
  QuantizedEmbedding,
  QuantizedLinear,
  RMSNorm,
  TiedHead,
  type TokenTable,
} from '../../nn';
import { tf, UnsupportedError } from '../../runtime';
import type { AdapterTensor, ExpectedTensor, TensorLayout } from '../tuner';
import { byRows } from './adapterPerRow';
import type { AdapterState } from './adapterState';

/** The modules that can be copied: layers with weights of their own, in any storage, and the head that shares the embedding's. */
export type SaveableModule = Linear | Embedding | RMSNorm | TiedHead | QuantizedLinear | QuantizedEmbedding;

/**
 * The frozen original module, and a full copy for each adapter that trains it; the active adapter's copy is used.
 *
 * The copy of a tied head is an independent head; the embedding does not change. Around an embedding, the wrapper is a table that a tied
 * head may follow. Copies are 32-bit floats.
 */
export class ModulesToSaveWrapper extends Module implements Projection, TokenTable {
  /** The copies by adapter name. */
  readonly copies = new Map<string, Linear | Embedding | RMSNorm>();

  constructor(
    readonly originalModule: SaveableModule,
    private readonly state: AdapterState,
  ) {
    super();
    originalModule.freeze();
  }

  forward(x: tf.Tensor): tf.Tensor {
    return this.through(x, (module, rows) => module.forward(rows));
  }

  scores(x: tf.Tensor): tf.Tensor {
    return this.through(x, (module, rows) => asTable(module).scores(rows));
  }

  get numEmbeddings(): number {
    return asTable(this.originalModule).numEmbeddings;
  }

  get embeddingDim(): number {
    return asTable(this.originalModule).embeddingDim;
  }

  get inFeatures(): number {
    return widths(this.originalModule)[0];
  }

  get outFeatures(): number {
    return widths(this.originalModule)[1];
  }

  /** The weight in use. */
  get weight(): tf.Variable | PackedWeight {
    const { acting } = this;
    return acting instanceof TiedHead ? acting.tiedTable : acting.weight;
  }

  addAdapter(name: string): void {
    this.copies.set(name, copyOf(this.originalModule));
  }

  deleteAdapter(name: string): void {
    this.copies.get(name)?.dispose();
    this.copies.delete(name);
  }

  override *namedChildren(): IterableIterator<[string, Module]> {
    yield ['original_module', this.originalModule];
    for (const [name, copy] of this.copies) yield [`modules_to_save.${name}`, copy];
  }

  /** The tensors of this module in an adapter's file, by PEFT's names. */
  *fileTensors(name: string): IterableIterator<[string, AdapterTensor]> {
    const copy = this.copies.get(name);
    if (!copy) return;
    for (const [leaf, variable] of copy.ownParameters()) yield [leaf, { variable, layout: layoutOf(copy, leaf) }];
  }

  private through(x: tf.Tensor, run: (module: SaveableModule, rows: tf.Tensor) => tf.Tensor): tf.Tensor {
    const { rowAdapters } = this.state;
    if (!rowAdapters) return run(this.acting, x);
    return byRows(x, rowAdapters, (rows, name) => run(this.copies.get(name) ?? this.originalModule, rows));
  }

  /** The module in use: the first active adapter's copy, or the original. */
  get acting(): SaveableModule {
    const name = this.state.isEnabled ? this.state.activeAdapters.find((active) => this.copies.has(active)) : undefined;
    return this.copies.get(name ?? '') ?? this.originalModule;
  }
}

/** True for a module that {@link ModulesToSaveWrapper} can copy. */
export function isSaveable(module: Module | undefined): module is SaveableModule {
  return [Linear, Embedding, RMSNorm, TiedHead, QuantizedLinear, QuantizedEmbedding].some((kind) => module instanceof kind);
}

/** True for a table of token vectors, in any storage. */
function asTable(module: SaveableModule): Embedding | QuantizedEmbedding {
  if (isEmbeddingLayer(module)) return module;
  throw new UnsupportedError(`a ${module.constructor.name} is not a table of token vectors`);
}

/** The tensors of a copy of this module in a file. */
export function* expectedCopy(module: SaveableModule): IterableIterator<[string, ExpectedTensor]> {
  if (module instanceof TiedHead) yield ['weight', { shape: module.tiedTable.shape }];
  else if (module instanceof QuantizedLinear || module instanceof QuantizedEmbedding) {
    yield ['weight', { shape: module.weight.shape }];
    if (module instanceof QuantizedLinear && module.bias) yield ['bias', { shape: module.bias.shape }];
  } else {
    for (const [leaf, { shape }] of module.ownParameters()) {
      yield [leaf, { shape: layoutOf(module, leaf) === 'transposed' ? shape.toReversed() : shape }];
    }
  }
}

function layoutOf(module: SaveableModule, leaf: string): TensorLayout {
  return module instanceof Linear && leaf === 'weight' ? 'transposed' : 'same';
}

function copyOf(module: SaveableModule): Linear | Embedding | RMSNorm {
  const copy = (variable: tf.Tensor) => tf.tidy(() => tf.variable(variable.clone()));
  if (module instanceof RMSNorm) return new RMSNorm(copy(module.weight), module.eps);
  const values = (weight: tf.Variable | PackedWeight) => (weight instanceof tf.Variable ? weight.clone() : weight.unpack());
  const turned = (weight: tf.Variable | PackedWeight) => tf.tidy(() => tf.variable(values(weight).transpose()));
  if (module instanceof TiedHead) return new Linear(turned(module.tiedTable)); // (V, C) -> (C, V)
  if (module instanceof QuantizedLinear) return new Linear(turned(module.weight), module.bias && copy(module.bias)); // (O, I) -> (I, O)
  if (module instanceof Linear) return new Linear(copy(module.weight), module.bias && copy(module.bias));
  return new Embedding(
    tf.tidy(() => tf.variable(values(module.weight))),
    module.paddingIdx,
  );
}

function widths(module: SaveableModule): [number, number] {
  if ('inFeatures' in module) return [module.inFeatures, module.outFeatures];
  throw new UnsupportedError(`a ${module.constructor.name} has no in- and out-features`);
}
