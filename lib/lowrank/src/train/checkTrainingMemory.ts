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
export function checkTrainingMemory(model: TrainableModel, { inputIds }: Batch, execution: ExecutionOptions): void {
  if (!isPlanned(model)) return;
  const [batchSize, sequenceLength] = [inputIds.length, inputIds[0]?.length ?? 0];
  checkMemory(workPlan(model, { task: 'train', batchSize, sequenceLength, compile: true, ...execution }), {
    what: `training on ${batchSize} × ${sequenceLength} tokens`,
    remedy:
      'Take smaller batches and more gradientAccumulation, shorter texts, model.gradientCheckpointing = true, or train fewer parameters (LoRA)',
  });
}

function isPlanned(model: TrainableModel): model is TrainableModel & PlannedModel {
  const config = model.config && Object.values(model.config).length > 0 && 'vocabSize' in model.config && 'hiddenSize' in model.config;
  return config === true && 'namedParameters' in model;
}
