/** The base's own embedding and output layer in an adapter's file: PEFT's `save_embedding_layers`. */
import { type Embedding, isEmbeddingLayer, Linear, type Module, type QuantizedEmbedding, type QuantizedLinear, TiedHead } from '../../nn';
import { FormatError, tf } from '../../runtime';
import { warn } from '../../runtime/messages/warn';
import { adaptablePaths, isNamed } from '../config/targets';
import type { TensorSource, TensorValues } from '../files/adapterTensors';
import { assignStored } from '../files/tensorLayout';
import type { AdapterTensor, ExpectedTensor } from '../tuner';
import { isTokenLayer, ROWS_NAME } from './tokenRows';

/** Whether a file contains them; `'auto'`: if adapters target them, or the vocabulary was resized. */
export type SaveEmbeddingLayers = 'auto' | boolean;

const NAMES = ['embed_tokens', 'lm_head'];
const COPY = 'modules_to_save.weight';
const TARGET_LEAF = 'base_layer.weight';
/** PEFT's names of the base's weight after the layer's name: in the plain layer, and in each kind of wrapper. */
const BASE_LEAVES = ['weight', TARGET_LEAF, 'original_module.weight', 'token_adapter.base_layer.weight'];

/** True for the name of a method's own tensor at a path, which is then a target; false for a copy, a bias or trained rows. */
function isBeside(name: string, path: string): boolean {
  return name.startsWith(`${path}.`) && !['weight', 'bias', ROWS_NAME].includes(name.slice(path.length + 1));
}

/** A layer with a row for each token. */
interface TokenEnd {
  readonly path: string;
  /** The owner of the weight: for a tied output layer, the embedding. */
  readonly base: Embedding | QuantizedEmbedding | Linear | QuantizedLinear;
  readonly isTied: boolean;
}

/** The layers of a model with a row for each token, with or without adapters around them. */
export class EmbeddingLayers {
  private readonly ends: readonly TokenEnd[];

  constructor(model: Module) {
    const modules = new Map(model.namedModules());
    const found = adaptablePaths(modules)
      .filter((path) => isNamed(NAMES, path))
      .map(
        (path) => [path, [`${path}.base_layer`, `${path}.original_module`, path].map((at) => modules.get(at)).find(isTokenLayer)] as const,
      );
    const table = found.map(([, module]) => module).find(isEmbeddingLayer);
    this.ends = found.flatMap(([path, module]) => {
      const isTied = module instanceof TiedHead;
      const base = isTied ? table : module;
      return base ? [{ path, base, isTied }] : [];
    });
  }

  /**
   * The tensors in a file besides the adapter's own, by PEFT's names.
   *
   * With a resized vocabulary, an untied output layer is also saved if the adapter targets only the embedding, and vice versa. PEFT leaves
   * it out, and its new rows are lost.
   */
  tensors(
    own: ReadonlyMap<string, AdapterTensor>,
    { save, isResized }: { readonly save: SaveEmbeddingLayers; readonly isResized: boolean },
  ): Map<string, AdapterTensor> {
    const found = new Map<string, AdapterTensor>();
    if (save === false) return found;
    const isTarget = ({ path }: TokenEnd) => [...own.keys()].some((name) => isBeside(name, path));
    const targets = this.ends.filter(isTarget);
    const isSavedAlone = targets.length > 0 && (this.isTied() || !isResized);
    const isWhole = save === true || isResized;
    for (const end of isSavedAlone ? targets : isWhole ? this.ends : []) {
      const tensor = baseTensor(end);
      const copy = own.get(`${end.path}.weight`);
      const rows = this.rowsOf(end, own);
      const leaf = isTarget(end) ? TARGET_LEAF : copy ? 'original_module.weight' : rows ? 'token_adapter.base_layer.weight' : 'weight';
      if (tensor) found.set(`${end.path}.${leaf}`, tensor);
      if (copy) found.set(`${end.path}.${COPY}`, copy); // PEFT writes it under both names
      if (rows) found.set(`${end.path}.${ROWS_NAME}`, rows);
    }
    return found;
  }

  /** The tensors that a file may contain besides the adapter's own. */
  expectedTensors(own: ReadonlyMap<string, ExpectedTensor>): Map<string, ExpectedTensor> {
    const expected = new Map<string, ExpectedTensor>();
    for (const end of this.ends) {
      const shape = tableShape(end);
      for (const leaf of BASE_LEAVES) expected.set(`${end.path}.${leaf}`, { shape, isOptional: true });
      if (own.has(`${end.path}.weight`)) expected.set(`${end.path}.${COPY}`, { shape, isOptional: true });
      const rows = this.rowsOf(end, own);
      if (rows) expected.set(`${end.path}.${ROWS_NAME}`, { ...rows, isOptional: true });
    }
    return new Map([...expected, ...own]);
  }

  /**
   * The base's weights in a file. A packed table stays as it was loaded, and a warning says so.
   *
   * @param own - the adapter's own tensors, which may include one of these names
   * @throws FormatError when it contains two weights for one table of the model.
   */
  read(origin: string, values: TensorValues, own: ReadonlyMap<string, ExpectedTensor>): StoredLayer[] {
    const read: StoredLayer[] = [];
    const packed = new Map<TokenEnd['base'], string>();
    for (const end of this.ends) {
      const tensor = baseTensor(end);
      for (const leaf of BASE_LEAVES.filter((leaf) => !own.has(`${end.path}.${leaf}`))) {
        const given = values.get(`${end.path}.${leaf}`);
        const other = read.find(({ tensor: { variable } }) => variable === tensor?.variable);
        if (!given) continue;
        if (!tensor) packed.set(end.base, `${end.path}.${leaf}`);
        else if (!other) read.push({ tensor, values: given, isTarget: leaf === TARGET_LEAF });
        else if (!isEqual(other.values, given)) {
          throw new FormatError(
            `${origin} holds an embedding and an output layer that differ, and this model has one table for both: load the base with tieWordEmbeddings false`,
          );
        }
      }
    }
    for (const name of packed.values()) {
      const remedy = 'load the base unquantised to have them';
      warn(`${origin}: the values of ${name} are left out, because this model keeps that table packed, as it was loaded; ${remedy}`);
    }
    return read;
  }

  /** @throws FormatError when the tables of the file and of the model have different numbers of rows. */
  checkVocabulary(source: TensorSource): void {
    const size = vocabularyOf(source);
    const own = this.ends[0] && tableShape(this.ends[0])[0];
    if (size === undefined || own === undefined || size === own) return;
    throw new FormatError(
      `${source.origin} is for a model with ${size} tokens, and this one has ${own}: call model.resizeTokenEmbeddings(${size}) before its adapters are loaded`,
    );
  }

  private isTied(): boolean {
    return this.ends.some(({ isTied }) => isTied);
  }

  /** The trained rows of a layer in PEFT's file: its own, or the embedding's for a tied layer. */
  private rowsOf<T>({ path, base, isTied }: TokenEnd, own: ReadonlyMap<string, T>): T | undefined {
    const table = this.ends.find((end) => end.base === base && !end.isTied);
    return own.get(`${path}.${ROWS_NAME}`) ?? (isTied ? own.get(`${table?.path}.${ROWS_NAME}`) : undefined);
  }
}

/** A weight of the base, and its values in a file. */
interface StoredLayer {
  readonly tensor: AdapterTensor;
  readonly values: Float32Array;
  /** Whether the file contains it because the adapter targets the layer. */
  readonly isTarget: boolean;
}

/** Assigns a file's values to the base. @returns whether any value changed. */
export function assignStoredLayers(layers: readonly StoredLayer[]): boolean {
  let isChanged = false;
  for (const { tensor, values } of layers) {
    const before = tensor.variable.clone();
    assignStored(tensor, values);
    isChanged ||= tf.tidy(() => tensor.variable.notEqual(before).any().dataSync()[0] === 1);
    before.dispose();
  }
  return isChanged;
}

/** The vocabulary size of the model for which a file was written, if the file shows it. */
export function vocabularyOf({ names, shape }: TensorSource): number | undefined {
  for (const name of names) {
    const [, layer, leaf = ''] = /\.(embed_tokens|lm_head)\.(.*)$/.exec(name) ?? [];
    if ([...BASE_LEAVES, COPY].includes(leaf) || (layer === 'lm_head' && leaf === 'lora_B.weight')) return shape(name)[0];
    if (layer === 'embed_tokens' && leaf === 'lora_embedding_A') return shape(name)[1];
  }
  return undefined;
}

/** Shapes: (V, C), as in files. */
function tableShape({ base }: TokenEnd): readonly [number, number] {
  return 'numEmbeddings' in base ? [base.numEmbeddings, base.embeddingDim] : [base.outFeatures, base.inFeatures];
}

/** The layer's weight, for a tied layer the table. Packed weights are not written to files: readers have them in the base. */
function baseTensor({ base }: TokenEnd): AdapterTensor | undefined {
  const { weight } = base;
  if (!(weight instanceof tf.Variable)) return undefined;
  return { variable: weight, layout: base instanceof Linear ? 'transposed' : 'same', isBase: true };
}

function isEqual(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
