/** Records an adapter's training data in a file beside PEFT's, which PEFT ignores. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { FormatError } from 'lowrank';
import { readJsonFile, writeTextAtomic } from 'lowrank/internal';
import type { ReviewTask } from './prompts';
import type { ReviewExample } from './reviewExample';

/** The facts about an adapter's training data that matter when the adapter is used. */
export interface TrainingData {
  readonly task: ReviewTask;
  readonly examples: number;
  /** Lower-case and sorted; empty when the data does not name languages. */
  readonly languages: readonly string[];
}

const FILE = 'training_data.json';
const LARGEST = 1_000_000;

/** Describes the examples of a task. */
export function describeTrainingData(task: ReviewTask, examples: readonly ReviewExample[]): TrainingData {
  const languages = [...new Set(examples.map(({ language }) => language))].filter((language) => language !== '').sort();
  return { task, examples: examples.length, languages };
}

/** Writes the record into an adapter's folder. @throws StorageError when the disk refuses. */
export function saveTrainingData(folder: string, data: TrainingData): void {
  writeTextAtomic(nodePath.join(folder, FILE), `${JSON.stringify(data, null, 2)}\n`);
}

/** The languages that an adapter was trained on; undefined when they are not recorded. @throws FormatError when the file is malformed. */
export function trainedLanguages(folder: string): readonly string[] | undefined {
  const path = nodePath.join(folder, FILE);
  if (!fs.existsSync(path)) return undefined;
  const { languages } = readJsonFile(path, { largest: LARGEST });
  if (!Array.isArray(languages) || !languages.every((language) => typeof language === 'string'))
    throw new FormatError(`${path}: languages is not a list of names; delete this file if the training data is unknown`);
  return languages.length === 0 ? undefined : languages;
}
