/** What an experiment compares, and on how much: one form of a configuration file. */

import { FormatError, type PeftConfig } from 'lowrank';
import { configOf, isJsonObject, methods, type PeftOptions, readJsonFile, reasonOf } from 'lowrank/internal';
import type { ReviewTask } from '../prompts';

/** One form of the experiment. */
export interface ExperimentConfig {
  /** `short` or `long`, or whatever else the file calls a form. */
  readonly name: string;
  readonly methods: readonly ExperimentMethod[];
  readonly tasks: readonly ReviewTask[];
  readonly seeds: readonly number[];
  /** Most tokens of an example. */
  readonly maxLength: number;
  /** Examples per batch; of packed rows, rows. */
  readonly batchSize: number;
  /** Fill rows of `maxLength` tokens with several examples, so that one compiled step serves the whole run. @defaultValue false */
  readonly pack?: boolean;
  /** Examples that are answered together. @defaultValue 8 */
  readonly answersAtOnce?: number;
  /** Batches per update. */
  readonly gradientAccumulation: number;
  /** Updates of each run. */
  readonly steps: Readonly<Record<ReviewTask, number>>;
  /** Evaluations on the validation part during a run, the one at its start not counted. */
  readonly evaluations: number;
  /** What matrix products are computed in; on a CPU without instructions for bfloat16 that is always float32. @defaultValue 'float32' */
  readonly precision?: 'float32' | 'bfloat16';
  readonly examples: ExampleCounts;
  /** Most tokens that are written per comment or refinement. */
  readonly maxNewTokens: Readonly<Record<'comment' | 'refinement', number>>;
}

/** How many examples of each part are drawn, per task. */
export interface ExampleCounts {
  readonly train: number;
  readonly validation: number;
  readonly test: number;
}

/** One way of fine-tuning. */
export interface ExperimentMethod {
  /** Shown in tables, for example `LoRA r=16, α=16`. */
  readonly name: string;
  readonly adapter: PeftOptions;
  /** @defaultValue the method's own, see `methodDefaults` */
  readonly learningRate?: number;
}

const largestFile = 1_000_000;

/**
 * Reads one form of a file `{"methods": […], "tasks": […], "forms": {"short": {…}, …}}`: what all forms share, and the form's own.
 *
 * @throws FormatError when the file has no such form, or a field is missing or of another type.
 */
export function readExperimentConfig(path: string, form: string): ExperimentConfig {
  const { forms, ...shared } = readJsonFile(path, { largest: largestFile });
  const own = isJsonObject(forms) && Object.hasOwn(forms, form) ? forms[form] : undefined;
  const known = isJsonObject(forms) ? Object.keys(forms).join(', ') : 'none';
  if (!isJsonObject(own)) throw new FormatError(`${path} has no form '${form}'; it has ${known}`);
  const config = { name: form, ...shared, ...own } as unknown as ExperimentConfig;
  for (const list of ['methods', 'tasks', 'seeds'] as const) {
    if (!Array.isArray(config[list]) || config[list].length === 0) throw new FormatError(`${path}: ${list} is no list of at least one`);
  }
  for (const name of ['maxLength', 'batchSize', 'gradientAccumulation', 'evaluations'] as const) count(path, name, config[name]);
  for (const part of ['train', 'validation', 'test'] as const) count(path, `examples.${part}`, config.examples?.[part]);
  for (const task of config.tasks ?? []) count(path, `steps.${task}`, config.steps?.[task]);
  for (const task of ['comment', 'refinement'] as const) count(path, `maxNewTokens.${task}`, config.maxNewTokens?.[task]);
  for (const method of config.methods) checkMethod(path, method); // so that a fault is told before hours of work
  return config;
}

function checkMethod(path: string, method: ExperimentMethod): void {
  if (!isJsonObject(method)) throw new FormatError(`${path}: ${JSON.stringify(method)?.slice(0, 80)} in methods is not an object`);
  try {
    methodConfig(method);
  } catch (cause) {
    throw new FormatError(`${path}: ${reasonOf(cause)}`, { cause });
  }
}

/** The adapter that a method is. */
export function methodConfig({ name, adapter }: ExperimentMethod): PeftConfig {
  const known = Object.keys(methods);
  if (!known.includes(adapter?.peftType)) throw new FormatError(`the adapter of method '${name}' is neither ${known.join(' nor ')}`);
  return configOf(adapter);
}

function count(path: string, name: string, value: unknown): void {
  if (!Number.isSafeInteger(value) || Number(value) < 1) throw new FormatError(`${path}: ${name} ${value} is not a whole number from 1 up`);
}
