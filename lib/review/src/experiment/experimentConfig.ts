/** Reads what an experiment compares, and on how much data: one form of a configuration file. */

import { FormatError, LowrankError, type PeftConfig } from 'lowrank';
import { checkKnown, checkOneOf, checkWhole, configOf, isJsonObject, methods, type PeftOptions, readJsonFile } from 'lowrank/internal';
import { type ReviewTask, reviewTasks } from '../prompts';

/** One form of the experiment. */
export interface ExperimentConfig {
  /** The name of the form, usually `short` or `long`. */
  readonly name: string;
  readonly methods: readonly ExperimentMethod[];
  readonly tasks: readonly ReviewTask[];
  readonly seeds: readonly number[];
  /** Maximum tokens per example. */
  readonly maxLength: number;
  /** Examples per batch, or rows per batch when packed. */
  readonly batchSize: number;
  /** Fill rows of `maxLength` tokens with several examples, so that one compiled step serves the whole run. @defaultValue false */
  readonly pack?: boolean;
  /** Examples per batch when answering. @defaultValue 8 */
  readonly answersAtOnce?: number;
  /** Batches per update. */
  readonly gradientAccumulation: number;
  /** Updates per run. */
  readonly steps: Readonly<Record<ReviewTask, number>>;
  /** Evaluations on the validation part during a run, without the one at its start. */
  readonly evaluations: number;
  /** Type of matrix products; always float32 on a CPU without bfloat16 instructions. @defaultValue 'float32' */
  readonly precision?: 'float32' | 'bfloat16';
  readonly examples: ExampleCounts;
  /** Maximum new tokens per comment or refinement. */
  readonly maxNewTokens: Readonly<Record<'comment' | 'refinement', number>>;
}

/** Examples drawn from each part, per task. */
export interface ExampleCounts {
  readonly train: number;
  readonly validation: number;
  readonly test: number;
}

/** One fine-tuning method. */
export interface ExperimentMethod {
  /** The name in tables, for example `LoRA r=16, α=16`. */
  readonly name: string;
  readonly adapter: PeftOptions;
  /** @defaultValue the method's own, see `methodDefaults` */
  readonly learningRate?: number;
}

const largestFile = 1_000_000;

const KEYS = [
  'name',
  'methods',
  'tasks',
  'seeds',
  'maxLength',
  'batchSize',
  'pack',
  'answersAtOnce',
  'gradientAccumulation',
  'steps',
  'evaluations',
  'precision',
  'examples',
  'maxNewTokens',
] as const;
const PRECISIONS = ['float32', 'bfloat16'];

/**
 * Reads one form of a file `{"methods": […], "tasks": […], "forms": {"short": {…}, …}}`: the fields shared by all forms plus its own.
 *
 * @throws FormatError, with the file and the key, when the form does not exist, or a key is missing, unknown or has the wrong type.
 */
export function readExperimentConfig(path: string, form: string): ExperimentConfig {
  const { forms, ...shared } = readJsonFile(path, { largest: largestFile });
  const own = isJsonObject(forms) && Object.hasOwn(forms, form) ? forms[form] : undefined;
  const known = isJsonObject(forms) ? Object.keys(forms).join(', ') : 'none';
  if (!isJsonObject(own)) throw new FormatError(`${path} has no form '${form}'; its forms are ${known}`);
  const config = { name: form, ...shared, ...own } as unknown as ExperimentConfig;
  inFile(path, () => checkConfig(config)); // reports an error before hours of work
  return config;
}

/** The adapter configuration of a method. */
export function methodConfig({ name, adapter }: ExperimentMethod): PeftConfig {
  const known = Object.keys(methods);
  if (!known.includes(adapter?.peftType)) throw new FormatError(`the adapter of method '${name}' is neither ${known.join(' nor ')}`);
  return configOf(adapter);
}

function checkConfig(config: ExperimentConfig): void {
  checkKnown('the configuration', config, KEYS);
  for (const list of ['methods', 'tasks', 'seeds'] as const) {
    if (!Array.isArray(config[list]) || config[list].length === 0) throw new FormatError(`${list} must be a non-empty list`);
  }
  for (const task of config.tasks) checkOneOf('tasks', task, reviewTasks);
  for (const seed of config.seeds) checkWhole('seeds', seed, 0);
  for (const name of ['maxLength', 'batchSize', 'gradientAccumulation', 'evaluations'] as const) checkWhole(name, config[name]);
  for (const part of ['train', 'validation', 'test'] as const) checkWhole(`examples.${part}`, config.examples?.[part]);
  for (const task of config.tasks) checkWhole(`steps.${task}`, config.steps?.[task]);
  for (const task of ['comment', 'refinement'] as const) checkWhole(`maxNewTokens.${task}`, config.maxNewTokens?.[task]);
  const { pack = false, answersAtOnce = 8, precision = 'float32' } = config;
  checkOneOf('pack', pack, [true, false]);
  checkWhole('answersAtOnce', answersAtOnce);
  checkOneOf('precision', precision, PRECISIONS);
  for (const [place, method] of config.methods.entries()) inFile(`methods[${place}]`, () => checkMethod(method));
  const names = config.methods.map(({ name }) => name);
  const twice = ['base', ...names].find((name, place, all) => all.indexOf(name) < place);
  if (twice !== undefined)
    throw new FormatError(`the method name '${twice}' is used twice or is 'base', the untuned model; give each method its own name`);
}

function checkMethod(method: ExperimentMethod): void {
  checkKnown('a method', method, ['name', 'adapter', 'learningRate']);
  if (typeof method.name !== 'string' || method.name === '') throw new FormatError('name must be a non-empty string');
  const { learningRate = 1 } = method;
  if (!(typeof learningRate === 'number' && learningRate > 0))
    throw new FormatError(`learningRate ${learningRate} is not a number above 0`);
  methodConfig(method);
}

/** Adds the place of a value to the error about it. */
function inFile(place: string, check: () => void): void {
  try {
    check();
  } catch (cause) {
    if (!(cause instanceof LowrankError)) throw cause;
    throw new FormatError(`${place}: ${cause.message}`, { cause });
  }
}
