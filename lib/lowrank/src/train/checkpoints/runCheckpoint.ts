/** Saves and loads a run: everything that the rest of the run depends on. */
import { FormatError, StateError, tf } from '../../runtime';
import { momentOf, type OptimizerState } from '../optimizer/optimizerState';
import type { EvaluationRecord } from '../progress/runRecords';
import { loadCheckpoint, saveCheckpoint } from './checkpoint';
import { checkSetup, type RunSetup } from './runSetup';
import { checkedState, KIND, type SavedEvaluation, type SavedRun } from './savedState';

/** The place of a saved run. */
export interface CheckpointPlace {
  readonly directory: string;
  readonly keep?: number;
}

/** A run between two updates. */
export interface RunState extends Omit<SavedRun, 'kind' | 'optimizerStep' | 'evaluations'> {
  /** The trained parameters, by name. */
  readonly weights: tf.NamedTensorMap;
  /** The parameters of the best evaluation, if they are kept. */
  readonly best: tf.NamedTensorMap;
  readonly optimizer: OptimizerState;
  readonly evaluations: readonly EvaluationRecord[];
}

/**
 * Saves a run and returns the checkpoint's folder.
 *
 * @param replaced - an earlier, less complete checkpoint of the same step
 * @throws StorageError when the disk refuses; the older checkpoints are unchanged.
 */
export function saveRun({ directory, keep }: CheckpointPlace, run: RunState, replaced?: string): string {
  const { weights, best, optimizer, history, ...rest } = run;
  const evaluations = run.evaluations.map(savedEvaluation);
  const state: SavedRun = { kind: KIND, optimizerStep: optimizer.step, ...rest, history, evaluations };
  const tensors = { weights, optimizer: optimizer.tensors, best };
  return saveCheckpoint(directory, { step: history.length, state, tensors }, { keep, replaced });
}

/**
 * The run in the newest checkpoint of the directory, if there is one; the caller disposes of its tensors.
 *
 * @throws StateError when it belongs to a run with other parameters or another set-up; FormatError when its state is malformed.
 */
export function loadRun(
  directory: string,
  parameters: ReadonlyMap<string, tf.Tensor>,
  setup: RunSetup,
): (RunState & { readonly path: string }) | undefined {
  const checkpoint = loadCheckpoint(directory);
  if (!checkpoint) return undefined;
  const { path, state, tensors } = checkpoint;
  const { weights = {}, optimizer = {}, best = {} } = tensors;
  try {
    const saved = checkedState(path, state);
    checkFit(path, weights, parameters);
    checkFit(path, best, Object.keys(best).length === 0 ? new Map() : parameters);
    checkMoments(path, optimizer, parameters);
    checkSetup(path, saved.setup, setup);
    const { optimizerStep, evaluations, kind, ...rest } = saved;
    const restored = { step: optimizerStep, tensors: optimizer };
    return { ...rest, path, setup, weights, best, optimizer: restored, evaluations: evaluations.map(readEvaluation) };
  } catch (error) {
    tf.dispose(Object.values(tensors));
    throw error;
  }
}

function savedEvaluation({ step, loss, tokens }: EvaluationRecord): SavedEvaluation {
  return { step, loss: Number.isFinite(loss) ? loss : String(loss), tokens };
}

function readEvaluation({ step, loss: saved, tokens }: SavedEvaluation): EvaluationRecord {
  const loss = Number(saved);
  return { step, loss, perplexity: Math.exp(loss), tokens };
}

/** @throws StateError with up to ten weights that are missing, unknown, or have another shape. */
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

/** @throws FormatError when a tensor is not a moment of a trained parameter, or its other moment is missing. */
function checkMoments(path: string, moments: tf.NamedTensorMap, parameters: ReadonlyMap<string, tf.Tensor>): void {
  for (const [key, { shape }] of Object.entries(moments)) {
    const moment = momentOf(key);
    const wanted = moment && parameters.get(moment.parameter)?.shape;
    if (moment && moments[moment.other] && wanted && tf.util.arraysEqual(shape, wanted)) continue;
    throw new FormatError(
      `${path}: '${key.slice(0, 200)}' [${shape}] is no moment of a trained parameter. Remove that folder to go on from the checkpoint before it`,
    );
  }
}
