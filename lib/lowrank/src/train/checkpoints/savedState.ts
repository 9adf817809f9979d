/** The part of a saved run that is not tensors, and its check: checksums show that a file is intact, not that it is ours. */
import { isJsonObject, type JsonObject } from '../../io/jsonFile';
import { FormatError, StateError } from '../../runtime';
import type { DataPosition } from '../data/updateBatches';
import type { EvaluationRecord, StepRecord } from '../progress/runRecords';
import type { RunSetup } from './runSetup';

export const KIND = 'lowrank training run';

export interface SavedRun {
  readonly kind: typeof KIND;
  /** For models with dropout. */
  readonly dropoutStep?: number;
  /** The seeds of the dropout masks, by layer. */
  readonly dropoutSeeds: Readonly<Record<string, number>>;
  /** The position of the next update's data. */
  readonly position: DataPosition;
  readonly history: readonly StepRecord[];
  readonly optimizerStep: number;
  readonly evaluations: readonly SavedEvaluation[];
  readonly setup: RunSetup;
}

/** Without the perplexity, which follows from the loss. */
export interface SavedEvaluation extends Omit<EvaluationRecord, 'loss' | 'perplexity'> {
  /** JSON has only finite numbers: others are text, such as 'Infinity'. */
  readonly loss: number | string;
}

type Check = (value: unknown) => boolean;

const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const isText: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) => typeof value === 'number';
const isLoss: Check = (value) => isNumber(value) || (typeof value === 'string' && /^(NaN|-?Infinity)$/.test(value));
const isRate: Check = (value) => value === null || isNumber(value); // an update that took no measurable time has an infinite one
const isOptional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const isList =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const isRecordOf =
  (check: Check): Check =>
  (value) =>
    isJsonObject(value) && Object.values(value).every(check);
const isForm = (form: Readonly<Record<string, Check>>): Check => {
  return (value) => isJsonObject(value) && Object.entries(form).every(([name, check]) => check(value[name]));
};

const isStep = isForm({ step: isCount, loss: isNumber, learningRate: isNumber, gradNorm: isNumber, tokensPerSecond: isRate });
const FORM: Readonly<Record<string, Check>> = {
  dropoutStep: isOptional(isCount),
  dropoutSeeds: isRecordOf(isNumber),
  position: isForm({ epoch: isCount, batch: isCount, digest: isOptional(isText) }),
  history: (value) => isList(isStep)(value) && (value as StepRecord[]).every(({ step }, i) => step === i + 1),
  optimizerStep: isCount,
  evaluations: isList(isForm({ step: isCount, loss: isLoss, tokens: isCount })),
  setup: isForm({
    adapters: isRecordOf(isJsonObject),
    config: isJsonObject,
    frozen: isRecordOf(isText),
    inputs: isForm({ data: isRecordOf(isText), settings: isJsonObject }),
  }),
};

/**
 * @param path - the checkpoint's folder
 * @throws StateError when it does not belong to a training run; FormatError when it claims to and is malformed.
 */
export function checkedState(path: string, state: unknown): SavedRun {
  const given: JsonObject = isJsonObject(state) ? state : {};
  if (given.kind !== KIND) throw new StateError(`${path} is not a checkpoint of train()`);
  const wrong = Object.keys(FORM).filter((name) => !FORM[name]?.(given[name]));
  if (wrong.length === 0) return given as unknown as SavedRun;
  throw new FormatError(
    `${path}/state.json is not the state of a training run: ${wrong.join(', ')} is not of the expected form. Remove that folder to go on from the checkpoint before it`,
  );
}
