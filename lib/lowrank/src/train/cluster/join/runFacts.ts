/** The facts that must be the same in all workers of a cluster, as short texts. */
import { sha256 } from '../../../io/sha256';
import { deviceInfo, tf } from '../../../runtime';
import { version } from '../../../runtime/version';
import { activeConfigs, type ModelSetup } from '../../checkpoints/runSetup';
import { tensorChecksum } from '../../checkpoints/tensorChecksum';
import type { Batch } from '../../data/batch';
import { checksum } from '../../data/batchChecksum';
import type { BatchSource } from '../../data/updateBatches';
import type { AdamW } from '../../optimizer/adamw';
import { parametersOf, type TrainableModel } from '../../trainableModel';

/** The part of a model that distinguishes it from another one, if it does not learn. */
type FinishedModel = Pick<TrainableModel, 'config' | 'namedParameters' | 'peftConfig' | 'activeAdapters'> &
  Partial<Pick<TrainableModel, 'trainableParameters'>>;

/** The facts of a model, its adapter and its optimizer. */
export function runFacts(model: TrainableModel, optimizer: AdamW, { adapters, config, frozen }: ModelSetup): Record<string, string> {
  const tensors = optimizer.state().tensors;
  const parameters = Object.fromEntries(parametersOf(model));
  const constants = optimizer.constantsFor(Object.keys(parameters));
  try {
    return {
      'version of lowrank': version(),
      'version of TensorFlow': deviceInfo().tensorflowVersion,
      'base model': hashOf([config, frozen]),
      'adapter configuration': hashOf(adapters),
      'trained weights': hashOfTensors(parameters),
      optimizer: hashOf([optimizer.step, constants, hashOfTensors(tensors)]),
      'step of dropout': String(model.dropoutStep ?? 'none'),
      'seeds of dropout': hashOfTensors(Object.fromEntries(model.dropoutSeeds?.() ?? [])),
    };
  } finally {
    tf.dispose(tensors);
  }
}

/** The facts of a model that only answers, with its active adapters. Reads every weight once. */
export function modelFacts(model: FinishedModel): Record<string, string> {
  return {
    'version of lowrank': version(),
    'version of TensorFlow': deviceInfo().tensorflowVersion,
    'adapter configuration': hashOf(activeConfigs(model)),
    model: hashOf([model.config, hashOfTensors(Object.fromEntries(model.namedParameters?.() ?? model.trainableParameters?.() ?? []))]),
  };
}

/**
 * A checksum of the data, if reading does not use it up: an array, or a function that makes one. The updates themselves are always compared
 * one by one.
 */
export function dataFact(source: BatchSource, epoch: number): string {
  const sequence = typeof source === 'function' ? source(epoch) : source;
  return Array.isArray(sequence) ? checksum(sequence as Batch[]).toString('hex', 0, 16) : 'read as it comes';
}

function hashOfTensors(tensors: tf.NamedTensorMap): string {
  return hashOf(
    Object.entries(tensors)
      .map(([name, tensor]) => `${name} ${tensorChecksum(tensor)}`)
      .sort(),
  );
}

function hashOf(value: unknown): string {
  return sha256(JSON.stringify(value)).slice(0, 32);
}
