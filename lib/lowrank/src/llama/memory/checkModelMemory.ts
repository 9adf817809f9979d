/** Refuses work for which the machine lacks memory, before anything is allocated. */
import { isTracing, tf } from '../../runtime';
import { checkMemory, memoryPlan } from '../../runtime/memory/memoryBudget';
import type { LlamaConfig } from '../config';
import type { LoadOptions } from '../files/loadParameters';
import type { KeyValueCache } from '../generation/growingCache';
import { loadingPlan, type MemoryPlanOptions, workPlan } from './memoryPlan';
import { CACHE, missingCacheBytes } from './memoryTerms';
import { modelBytes } from './modelBytes';

/** @throws MemoryError when a model of this configuration does not fit. */
export function checkRandomModelMemory(config: LlamaConfig): void {
  checkMemory(loadingPlan(config, {}), { what: 'a model of this configuration', remedy: 'Take a smaller one' });
}

/** Counts only what is missing: tensors that are there may be the weights. @throws MemoryError when it does not fit. */
export function checkGivenModelMemory(config: LlamaConfig, dtype: LoadOptions['dtype']): void {
  const bytes = modelBytes(config, { dtype }) - tf.memory().numBytes;
  checkMemory(memoryPlan([{ name: 'weights that are not there yet', bytes }]), {
    what: 'a model of these tensors',
    remedy: 'Take a smaller one',
  });
}

/** @throws MemoryError when the new ends do not fit beside the old ones. */
export function checkResizeMemory({ hiddenSize, tieWordEmbeddings, vocabSize: before }: LlamaConfig, vocabSize: number): void {
  const table = { name: 'embedding', bytes: 4 * vocabSize * hiddenSize };
  const drawn = { name: 'random numbers for the new rows', bytes: 4 * before * Math.max(0, vocabSize - before) };
  checkMemory(memoryPlan([table, drawn, { name: 'output layer', bytes: tieWordEmbeddings ? 0 : table.bytes }]), {
    what: `a vocabulary of ${vocabSize} tokens`,
    remedy: 'Take fewer tokens',
  });
}

/** A pass whose attention weights are kept, of every layer. @throws MemoryError when it does not fit. */
export function checkAttentionsMemory(config: LlamaConfig, [batchSize, sequenceLength]: readonly [number, number]): void {
  const { terms } = workPlan(config, { task: 'forward', batchSize, sequenceLength, logitsToKeep: 1 });
  const kept = 4 * config.numHiddenLayers * batchSize * config.numAttentionHeads * sequenceLength ** 2;
  checkMemory(memoryPlan([...terms, { name: 'attention weights', bytes: kept }]), {
    what: `the attention of ${batchSize} × ${sequenceLength} tokens`,
    remedy: 'Give fewer rows or shorter ones',
  });
}

/** Checks nothing while a function is traced, or for a planned cache, because their callers plan the memory. @throws MemoryError when a pass does not fit. */
export function checkPassMemory(
  config: LlamaConfig,
  [batchSize, sequenceLength]: readonly [number, number],
  { logitsToKeep, cache }: Pick<MemoryPlanOptions, 'logitsToKeep'> & { readonly cache?: KeyValueCache | undefined } = {},
): void {
  if (isTracing() || cache?.isPlanned) return;
  const pastTokens = cache?.length;
  const { terms } = workPlan(config, { task: 'forward', batchSize, sequenceLength, logitsToKeep, pastTokens });
  const bytes = cache && missingCacheBytes({ config, B: batchSize, T: sequenceLength }, cache);
  const missing = terms.map((term) => (term.name === CACHE && bytes !== undefined ? { ...term, bytes } : term));
  checkMemory(memoryPlan(missing), {
    what: `a pass over ${batchSize} × ${sequenceLength} tokens${pastTokens ? ` after ${pastTokens} cached ones` : ''}`,
    remedy: 'Give fewer rows or shorter ones at a time, or ask for fewer logits (logitsToKeep)',
  });
}
