/** Refuses a batch that would not fit into memory, before it is sent to the device. */
import { type PlannedModel, workPlan } from '../llama/memory/memoryPlan';
import { checkMemory } from '../runtime/memory/memoryBudget';
import type { Batch } from './data/batch';
import type { ExecutionOptions } from './executionOptions';
import type { TrainableModel } from './trainableModel';

/**
 * Plans the memory of an update on a batch of this shape; a model of unknown sizes is not checked.
 *
 * @throws MemoryError when the update needs more memory than is available.
 */
export function checkTrainingMemory(model: TrainableModel, batch: Batch, execution: ExecutionOptions): void {
  if (!isPlanned(model)) return;
  const { batchSize, sequenceLength } = shapeOf(batch);
  checkMemory(workPlan(model, { task: 'train', batchSize, sequenceLength, compile: true, ...execution }), {
    what: `training on ${batchSize} × ${sequenceLength} tokens`,
    remedy:
      'Take smaller batches and more gradientAccumulation, shorter texts, model.model.gradientCheckpointing = true, or train fewer parameters (LoRA)',
  });
}

/**
 * The same for a compiled evaluation; an uncompiled one is planned by the model itself.
 *
 * @throws MemoryError when the loss of the batch needs more memory than is available.
 */
export function checkEvaluationMemory(model: Pick<TrainableModel, 'config'>, batch: Batch, { precision }: ExecutionOptions): void {
  if (!isPlanned(model)) return;
  const { batchSize, sequenceLength } = shapeOf(batch);
  checkMemory(workPlan(model, { task: 'evaluate', batchSize, sequenceLength, precision }), {
    what: `the loss of ${batchSize} × ${sequenceLength} tokens`,
    remedy: 'Take smaller batches, or shorter texts',
  });
}

function shapeOf({ inputIds }: Batch) {
  return { batchSize: inputIds.length, sequenceLength: inputIds[0]?.length ?? 0 };
}

function isPlanned<M extends Pick<TrainableModel, 'config'>>(model: M): model is M & PlannedModel {
  const config = model.config && Object.values(model.config).length > 0 && 'vocabSize' in model.config && 'hiddenSize' in model.config;
  return config === true && 'namedParameters' in model;
}
