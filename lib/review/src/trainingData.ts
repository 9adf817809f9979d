/** What an adapter was trained on, in a file of our own beside PEFT's, which PEFT passes over. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { FormatError } from 'lowrank';
import { readJsonFile, writeTextAtomic } from 'lowrank/internal';
import type { ReviewTask } from './prompts';
import type { ReviewExample } from './reviewExample';

/** The training data of an adapter, as far as its later use depends on it. */
export interface TrainingData {
  readonly task: ReviewTask;
  readonly examples: number;
  /** In lower case and sorted; none where the data does not say. */
  readonly languages: readonly string[];
}

const FILE = 'training_data.json';
const LARGEST = 1_000_000;

/** What these examples of a task are. */
export function describeTrainingData(task: ReviewTask, examples: readonly ReviewExample[]): TrainingData {
  const languages = [...new Set(examples.map(({ language }) => language))].filter((language) => language !== '').sort();
  return { task, examples: examples.length, languages };
}

/** Writes it into an adapter's folder. @throws StorageError when the disk refuses. */
export function saveTrainingData(folder: string, data: TrainingData): void {
  writeTextAtomic(nodePath.join(folder, FILE), `${JSON.stringify(data, null, 2)}\n`);
}

/** The languages that an adapter was trained on; undefined where its folder, or the data, does not say. @throws FormatError when the file is malformed. */
export function trainedLanguages(folder: string): readonly string[] | undefined {
  const path = nodePath.join(folder, FILE);
  if (!fs.existsSync(path)) return undefined;
  const { languages } = readJsonFile(path, { largest: LARGEST });
  if (!Array.isArray(languages) || !languages.every((language) => typeof language === 'string'))
    throw new FormatError(`${path}: languages is not a list of names; without this file nothing is known of the training data`);
  return languages.length === 0 ? undefined : languages;
}
