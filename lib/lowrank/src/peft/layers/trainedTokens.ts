/** Wraps the layers that `trainableTokenIndices` names, so some of their rows are trained. */
import { type Embedding, isEmbeddingLayer, type Module, type QuantizedEmbedding, tiedHeadOf, toSnakeCase } from '../../nn';
import { ArgumentError, UnsupportedError } from '../../runtime';
import { adaptablePaths, leafNames } from '../config/targets';
import type { AdapterTensor, ExpectedTensor, MergingOptions } from '../tuner';
import type { AdapterState } from './adapterState';
import { isTokenLayer, ROWS_NAME, type TokenLayer, TokenRows } from './tokenRows';
import type { TunerPart } from './tunerPart';
import { WrappedModules } from './wrappedModules';

/** The fields of a configuration for trained rows. */
interface TokenConfig {
  readonly trainableTokenIndices: readonly number[] | Readonly<Record<string, readonly number[]>> | undefined;
}

/** A layer that a configuration names, and its trained rows. */
interface Target {
  readonly path: string;
  readonly layer: TokenLayer | TokenRows;
  readonly indices: readonly number[];
  /** Whether the tied output layer uses these rows too. */
  readonly isFollowed: boolean;
}

/** Wraps the layers that `trainableTokenIndices` names, each once, and adds rows per adapter. */
export class TrainedTokens implements TunerPart<TokenConfig> {
  private readonly wrapped: WrappedModules<TokenRows>;

  constructor(
    private readonly model: Module,
    private readonly state: AdapterState,
  ) {
    this.wrapped = new WrappedModules(model, (module) => module instanceof TokenRows);
  }

  /**
   * The layers that a configuration names. On a tied model, the output layer follows the embedding's rows, as in PEFT, unless it has its
   * own indices.
   *
   * @throws ArgumentError when a name matches nothing, or an index is outside the vocabulary; UnsupportedError for a layer that cannot have
   * trained rows, or is also adapted in another manner.
   */
  chosen({ trainableTokenIndices }: TokenConfig, otherPaths: readonly string[] = []): Target[] {
    if (trainableTokenIndices === undefined) return [];
    const modules = new Map(this.model.namedModules());
    const paths = adaptablePaths(modules);
    const given = Array.isArray(trainableTokenIndices) ? { embed_tokens: trainableTokenIndices } : trainableTokenIndices;
    const named = Object.entries(given).map(([key, indices]) => {
      const name = toSnakeCase(key);
      const path = paths.find((path) => path.endsWith(name));
      if (path === undefined) {
        throw new ArgumentError(`trainableTokenIndices '${key}' matches no module; there is ${leafNames(paths).join(', ')}`);
      }
      if (otherPaths.includes(path)) {
        throw new UnsupportedError(`'${path}' is adapted by targetModules or modulesToSave already; train tokens of it, or that, not both`);
      }
      const layer = modules.get(path);
      if (!isTokenLayer(layer) && !(layer instanceof TokenRows))
        throw new UnsupportedError(`'${path}' is a ${layer?.constructor.name}, which cannot have trained token rows`);
      checkIndices(indices, layer, path);
      return { path, layer, indices };
    });
    const table = named.find(({ layer }) => isTableOf(layer));
    const head = table && tiedHeadOf(innermost(table.layer)) && named.find((other) => other !== table);
    const isApart = head !== undefined && head.indices.join() !== table?.indices.join();
    return named
      .filter((target) => isApart || target !== head)
      .map((target) => ({ ...target, isFollowed: target === table && !isApart && isTied(table.layer) }));
  }

  /**
   * @param otherPaths - the paths of layers that any adapter adapts in another manner
   * @throws UnsupportedError when the tied output layer is adapted in another manner, or follows the rows of some adapters only.
   */
  check(config: TokenConfig, otherPaths: readonly string[]): void {
    const targets = this.chosen(config, otherPaths);
    const hasHead = otherPaths.some((path) => path.endsWith('lm_head'));
    if (hasHead && (targets.some(({ isFollowed }) => isFollowed) || this.modules().some(([, rows]) => isTied(rows)))) {
      throw new UnsupportedError(
        "the output layer shows the embedding's table and follows its trained tokens, so it cannot be adapted too: leave lm_head out",
      );
    }
    for (const { layer, isFollowed, path } of targets) {
      if (!(layer instanceof TokenRows) || isTied(layer) === isFollowed) continue;
      throw new UnsupportedError(`'${path}' has tokens trained that ${isFollowed ? 'the output layer does not share' : 'it shares'}`);
    }
  }

  add(name: string, config: TokenConfig): void {
    for (const { path, layer, indices, isFollowed } of this.chosen(config)) {
      const rows = layer instanceof TokenRows ? layer : new TokenRows(layer, this.state);
      rows.addAdapter(name, indices);
      if (rows === layer) continue;
      this.wrapped.replace(path, rows);
      if (isFollowed) tiedHeadOf(rows.baseLayer)?.follow(rows);
    }
  }

  remove(name: string): void {
    for (const [path, rows] of this.modules()) {
      rows.deleteAdapter(name);
      if (rows.adapterNames.length === 0) this.takeOff(path, rows);
    }
  }

  checkTogether(names: readonly string[]): void {
    for (const [path, rows] of this.modules()) {
      const both = names.filter((name) => rows.adapterNames.includes(name));
      if (both.length > 1) throw new ArgumentError(`${both.join(' and ')} each train tokens of '${path}'; only one of them can be active`);
    }
  }

  train(names: readonly string[]): void {
    for (const [, rows] of this.modules()) rows.train(names);
  }

  *tensors(name: string): IterableIterator<[string, AdapterTensor]> {
    for (const [path, rows] of this.modules()) for (const [leaf, tensor] of rows.fileTensors(name)) yield [`${path}.${leaf}`, tensor];
  }

  *expectedTensors(config: TokenConfig): IterableIterator<[string, ExpectedTensor]> {
    for (const { path, layer, indices } of this.chosen(config)) {
      const width = isTableOf(layer) ? layer.embeddingDim : layer.inFeatures;
      yield [`${path}.${ROWS_NAME}`, { shape: [indices.length, width] }];
    }
  }

  mergedAdapters(): string[] {
    return this.modules().flatMap(([, rows]) => rows.mergedAdapter ?? []);
  }

  merge(names: readonly string[], options: MergingOptions): void {
    this.checkTogether(names);
    try {
      for (const [, rows] of this.modules()) for (const name of names) rows.merge(name, options);
    } catch (error) {
      this.unmerge();
      throw error;
    }
  }

  unmerge(): void {
    for (const [, rows] of this.modules()) if (rows.mergedAdapter !== undefined) rows.unmerge();
  }

  unload(): void {
    for (const [path, rows] of this.modules()) {
      rows.forgetOriginal();
      for (const name of rows.adapterNames) rows.deleteAdapter(name);
      this.takeOff(path, rows);
    }
  }

  modules(): readonly [string, TokenRows][] {
    return this.wrapped.list();
  }

  private takeOff(path: string, rows: TokenRows): void {
    const { baseLayer } = rows;
    if (isEmbeddingLayer(baseLayer)) tiedHeadOf(rows)?.follow(baseLayer);
    this.wrapped.replace(path, baseLayer);
  }
}

function innermost(layer: TokenLayer | TokenRows): Module {
  return layer instanceof TokenRows && !tiedHeadOf(layer) ? layer.baseLayer : layer;
}

/** Whether it is a table whose rows the output layer uses, or would use. */
function isTied(layer: TokenLayer | TokenRows): boolean {
  return isTableOf(layer) && tiedHeadOf(layer) !== undefined;
}

function isTableOf(layer: TokenLayer | TokenRows): layer is Embedding | QuantizedEmbedding | TokenRows {
  return isEmbeddingLayer(layer instanceof TokenRows ? layer.baseLayer : layer);
}

function checkIndices(indices: readonly number[], layer: TokenLayer | TokenRows, path: string): void {
  const size = isTableOf(layer) ? layer.numEmbeddings : layer.outFeatures;
  const beyond = indices.find((index) => index >= size);
  if (beyond === undefined) return;
  throw new ArgumentError(
    `trainableTokenIndices: token id ${beyond} is not in the vocabulary of '${path}', 0…${size - 1}; resize the model first: resizeTokenEmbeddings(${beyond + 1})`,
  );
}
