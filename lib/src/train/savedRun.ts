/** A run in a checkpoint: all that the rest of it depends on, written and read back. */
import { StateError, tf } from '../runtime';
import type { OptimizerState } from './adamw';
import { loadCheckpoint, saveCheckpoint } from './checkpoint';
import type { EvaluationRecord, StepRecord } from './runRecords';
import type { DataPosition } from './updateWindows';

/** Where a run is saved. */
export interface CheckpointPlace {
  readonly directory: string;
  readonly keep?: number;
}

/** A run between two updates. */
export interface RunState {
  /** The trained parameters, by name. */
  readonly weights: tf.NamedTensorMap;
  /** Those of the best evaluation, where they are remembered. */
  readonly best: tf.NamedTensorMap;
  readonly optimizer: OptimizerState;
  /** Of models with dropout. */
  readonly dropoutStep?: number;
  /** Where the next update's data begins. */
  readonly position: DataPosition;
  readonly history: readonly StepRecord[];
  readonly evaluations: readonly EvaluationRecord[];
}

const KIND = 'lowrank training run';

/** The part of a run that is no tensor. */
interface SavedRun extends Pick<RunState, 'dropoutStep' | 'position' | 'history'> {
  readonly kind: typeof KIND;
  readonly optimizerStep: number;
  readonly evaluations: readonly SavedEvaluation[];
}

/** Without the perplexity, which follows from the loss. */
interface SavedEvaluation extends Omit<EvaluationRecord, 'loss' | 'perplexity'> {
  /** JSON has only finite numbers: others are text, such as 'Infinity'. Older checkpoints have null, which is read as NaN. */
  readonly loss: number | string | null;
}

/** @throws StorageError when the disk refuses; the older checkpoints are as they were. */
export function saveRun({ directory, keep }: CheckpointPlace, run: RunState): void {
  const { weights, best, optimizer, dropoutStep, position, history } = run;
  const evaluations = run.evaluations.map(savedEvaluation);
  const state: SavedRun = { kind: KIND, optimizerStep: optimizer.step, dropoutStep, position, history, evaluations };
  const tensors = { weights, optimizer: optimizer.tensors, best };
  saveCheckpoint(directory, { step: history.length, state, tensors }, { keep });
}

/**
 * The run of the newest checkpoint in the directory, if there is one; the caller disposes its tensors.
 *
 * @throws StateError when it is of something else than a run with these parameters.
 */
export function loadRun(directory: string, parameters: ReadonlyMap<string, tf.Tensor>): RunState | undefined {
  const checkpoint = loadCheckpoint(directory);
  if (!checkpoint) return undefined;
  const { path, state, tensors } = checkpoint;
  const { kind, optimizerStep, evaluations, ...rest } = (state ?? {}) as SavedRun;
  const { weights = {}, optimizer = {}, best = {} } = tensors;
  try {
    if (kind !== KIND) throw new StateError(`${path} is not a checkpoint of train()`);
    checkFit(path, weights, parameters);
  } catch (error) {
    tf.dispose(Object.values(tensors));
    throw error;
  }
  return { ...rest, weights, best, optimizer: { step: optimizerStep, tensors: optimizer }, evaluations: evaluations.map(readEvaluation) };
}

function savedEvaluation({ step, loss, tokens }: EvaluationRecord): SavedEvaluation {
  return { step, loss: Number.isFinite(loss) ? loss : String(loss), tokens };
}

function readEvaluation({ step, loss: saved, tokens }: SavedEvaluation): EvaluationRecord {
  const loss = saved === null ? Number.NaN : Number(saved);
  return { step, loss, perplexity: Math.exp(loss), tokens };
}

/** @throws StateError naming up to ten weights that are missing, of another shape, or of no use. */
function checkFit(path: string, weights: tf.NamedTensorMap, parameters: ReadonlyMap<string, tf.Tensor>): void {
  const names = new Set([...Object.keys(weights), ...parameters.keys()]);
  const wrong = [...names].flatMap((name) => {
    const [saved, wanted] = [weights[name]?.shape, parameters.get(name)?.shape];
    return saved && wanted && tf.util.arraysEqual(saved, wanted) ? [] : [`${name}: saved [${saved}], model [${wanted}]`];
  });
  if (wrong.length === 0) return;
  const listed = wrong.slice(0, 10).join('; ');
  throw new StateError(
    `${path} is of another model: ${wrong.length} parameters differ (${listed}). Resume with the same adapter, or take another folder`,
  );
}
