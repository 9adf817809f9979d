/** Records an adapter's training data in a file beside PEFT's, which PEFT ignores. */
import nodePath from 'node:path';
import { ArgumentError, FormatError } from 'lowrank';
import type { PromptOptions, ReviewTask } from './prompts';
import type { ReviewExample } from './reviewExample';
import { readSealed, writeSealed } from './sealedFile';

/** The facts about an adapter's training data that matter when the adapter is used. */
export interface TrainingData {
  readonly task: ReviewTask;
  readonly examples: number;
  /** Lower-case and sorted; empty when the data does not name languages. */
  readonly languages: readonly string[];
  /** Necessity: the probability from which the answer is yes, chosen on validation data. */
  readonly threshold?: number;
  /** Whether the prompts named the language. */
  readonly languageLabel: boolean;
}

const FILE = 'training_data.json';
const REMEDY = 'copy or train the adapter again, or remove this file, or its sha256 if you have changed the file yourself';

export function describeTrainingData(
  task: ReviewTask,
  examples: readonly ReviewExample[],
  { languageLabel = false }: PromptOptions = {},
): TrainingData {
  const languages = [...new Set(examples.map(({ language }) => language))].filter((language) => language !== '').sort();
  return { task, examples: examples.length, languages, languageLabel };
}

/** Writes the record into an adapter's folder. @throws StorageError when the disk refuses. */
export function saveTrainingData(folder: string, data: TrainingData): void {
  writeSealed(nodePath.join(folder, FILE), 'training data', data);
}

/** @throws ArgumentError when an adapter was trained on another task than this one; FormatError when the file is damaged. */
export function checkTrainedTask(folder: string, task: ReviewTask): void {
  const trained = recorded(folder)?.task ?? task;
  if (typeof trained !== 'string') throw malformed(folder, 'task is not a name');
  if (trained !== task)
    throw new ArgumentError(
      `the adapter in ${folder} was trained for ${trained} (${FILE}): use it for that task, and for ${task} another one`,
    );
}

/** The languages that an adapter was trained on; undefined when they are not recorded. @throws FormatError when the file is damaged. */
export function trainedLanguages(folder: string): readonly string[] | undefined {
  const languages = recorded(folder)?.languages;
  if (languages === undefined) return undefined;
  if (!Array.isArray(languages) || !languages.every((language) => typeof language === 'string'))
    throw malformed(folder, 'languages is not a list of names');
  return languages.length === 0 ? undefined : languages;
}

/** The threshold of a necessity adapter; undefined when it is not recorded. @throws FormatError when the file is damaged. */
export function trainedThreshold(folder: string): number | undefined {
  const threshold = recorded(folder)?.threshold;
  if (threshold === undefined) return undefined;
  if (!(typeof threshold === 'number' && threshold >= 0 && threshold <= 1)) throw malformed(folder, 'threshold is not in 0…1');
  return threshold;
}

/**
 * Whether the prompts of an adapter's training named the language; undefined in a file from before this was recorded, and false for an
 * adapter from elsewhere, without a file.
 *
 * @throws FormatError when the file is damaged.
 */
export function trainedLanguageLabel(folder: string): boolean | undefined {
  const record = recorded(folder);
  const label = record === undefined ? false : record.languageLabel;
  if (label !== undefined && typeof label !== 'boolean') throw malformed(folder, 'languageLabel is not true or false');
  return label;
}

function recorded(folder: string): Readonly<Record<string, unknown>> | undefined {
  return readSealed(nodePath.join(folder, FILE), REMEDY, { mayLackSum: true });
}

function malformed(folder: string, reason: string): FormatError {
  return new FormatError(`${nodePath.join(folder, FILE)}: ${reason}; ${REMEDY}`);
}
