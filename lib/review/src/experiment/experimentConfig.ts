/** Reads one form of a configuration file: the methods to compare, and how much data to use. */

import { FormatError, LowrankError, type PeftConfig } from 'lowrank';
import { checkKnown, checkOneOf, checkWhole, configOf, isJsonObject, methods, type PeftOptions, readJsonFile } from 'lowrank/internal';
import { type ReviewTask, reviewTasks } from '../prompts';

/** One form of the experiment. */
export interface ExperimentConfig {
  /** The name of the form, usually `short` or `long`. */
  readonly name: string;
  readonly methods: readonly ExperimentMethod[];
  readonly tasks: readonly ReviewTask[];
  /** Random seeds of the runs: initial weights, dropout and the order of the examples. */
  readonly seeds: readonly number[];
  /** The sweep that chooses each method's learning rate, for each task, with the first seed. */
  readonly sweep: { /** Updates per trial. */ readonly steps: number };
  /** Maximum updates per run. */
  readonly maxSteps: number;
  /** Updates between two evaluations on the validation part. */
  readonly evaluateEvery: number;
  /** A run ends after this many evaluations without a lower validation loss. */
  readonly patience: number;
  /** Updates that warm up to the learning rate; it is constant afterwards. */
  readonly warmupSteps: number;
  /** Maximum tokens per example. */
  readonly maxLength: number;
  /** Examples per batch, or rows per batch when packed. */
  readonly batchSize: number;
  /** Fill rows of `maxLength` tokens with several examples, so that one compiled step serves the whole run. @defaultValue false */
  readonly pack?: boolean;
  /** Examples per batch when answering. @defaultValue 8 */
  readonly answersAtOnce?: number;
  /** Type of matrix products; always float32 on a CPU without fast bfloat16 instructions. @defaultValue 'float32' */
  readonly precision?: 'float32' | 'bfloat16';
  readonly examples: ExampleCounts;
  /** Maximum new tokens per comment or refinement. */
  readonly maxNewTokens: Readonly<Record<'comment' | 'refinement', number>>;
  /** Pairs of methods whose paired difference is computed, the first minus the second. @defaultValue none */
  readonly compare?: readonly (readonly [string, string])[];
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
  /** The adapter; without one, all weights of the model are trained. */
  readonly adapter?: PeftOptions;
  /** The learning rates of the sweep, ascending. */
  readonly learningRates: readonly number[];
  /** Number of seeds it runs with, from the first. @defaultValue all */
  readonly seeds?: number;
}

const largestFile = 1_000_000;

const KEYS = [
  'name',
  'methods',
  'tasks',
  'seeds',
  'sweep',
  'maxSteps',
  'evaluateEvery',
  'patience',
  'warmupSteps',
  'maxLength',
  'batchSize',
  'pack',
  'answersAtOnce',
  'precision',
  'examples',
  'maxNewTokens',
  'compare',
] as const;
const PRECISIONS = ['float32', 'bfloat16'];

/** Rows of the results that are not methods. */
export const OTHER_ROWS = ['base', 'always yes', 'most frequent comment', 'copied code'] as const;

/**
 * Reads one form of a file `{"methods": […], "tasks": […], "forms": {"short": {…}, …}}`: the fields that all forms share, overridden by the
 * form's own. A form with `"like": "long"` begins with the fields of that form. Its methods may be names of methods that all forms share.
 *
 * @throws FormatError, with the file and the key, when the form does not exist, or a key is missing, unknown or has the wrong type.
 */
export function readExperimentConfig(path: string, form: string): ExperimentConfig {
  const { forms, ...shared } = readJsonFile(path, { largest: largestFile });
  const { like, ...own } = inFile(path, () => formOf(forms, form));
  const { like: further, ...base } = like === undefined ? {} : inFile(path, () => formOf(forms, like));
  if (further !== undefined) throw new FormatError(`${path}: form '${form}' is like '${like}', which has a 'like' of its own`);
  const given = { name: form, ...shared, ...base, ...own } as unknown as ExperimentConfig;
  const config = { ...given, methods: withNamed(given.methods, shared.methods) };
  inFile(path, () => checkConfig(config)); // reports an error before hours of work
  return config;
}

function formOf(forms: unknown, form: unknown): Readonly<Record<string, unknown>> {
  const all = isJsonObject(forms) ? forms : {};
  const own = typeof form === 'string' && Object.hasOwn(all, form) ? all[form] : undefined;
  if (isJsonObject(own)) return own;
  throw new FormatError(`no form '${form}'; its forms are ${Object.keys(all).join(', ') || 'none'}`);
}

/** The methods, each name replaced by the shared method of that name. */
function withNamed(given: readonly ExperimentMethod[], shared: unknown): readonly ExperimentMethod[] {
  if (!Array.isArray(given) || !Array.isArray(shared)) return given;
  return given.map((method) => (typeof method === 'string' ? shared.find((known) => known?.name === method) : undefined) ?? method);
}

/** The adapter configuration of a method; undefined for full fine-tuning. */
export function methodConfig({ name, adapter }: ExperimentMethod): PeftConfig | undefined {
  if (adapter === undefined) return undefined;
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
  for (const name of ['maxSteps', 'evaluateEvery', 'patience', 'maxLength', 'batchSize'] as const) checkWhole(name, config[name]);
  checkWhole('warmupSteps', config.warmupSteps, 0);
  checkWhole('sweep.steps', config.sweep?.steps);
  for (const part of ['train', 'validation', 'test'] as const) checkWhole(`examples.${part}`, config.examples?.[part]);
  for (const task of ['comment', 'refinement'] as const) checkWhole(`maxNewTokens.${task}`, config.maxNewTokens?.[task]);
  const { pack = false, answersAtOnce = 8, precision = 'float32' } = config;
  checkOneOf('pack', pack, [true, false]);
  checkWhole('answersAtOnce', answersAtOnce);
  checkOneOf('precision', precision, PRECISIONS);
  for (const [place, method] of config.methods.entries()) inFile(`methods[${place}]`, () => checkMethod(method, config.seeds.length));
  const names = [...OTHER_ROWS, ...config.methods.map(({ name }) => name)];
  const twice = names.find((name, place, all) => all.indexOf(name) < place);
  if (twice !== undefined)
    throw new FormatError(
      `the method name '${twice}' is used twice, or is one of ${OTHER_ROWS.join(', ')}; rename it, because each method has its own name`,
    );
  checkPairs(config.compare ?? [], names);
}

function checkPairs(pairs: unknown, names: readonly string[]): void {
  if (!Array.isArray(pairs)) throw new FormatError('compare is not a list of pairs of names');
  for (const pair of pairs) {
    const isPair = Array.isArray(pair) && pair.length === 2;
    const unknown = isPair ? pair.find((name) => !names.includes(name)) : pair;
    if (unknown !== undefined)
      throw new FormatError(`compare: ${JSON.stringify(unknown)} is not ${isPair ? 'a method of this configuration' : 'a pair of names'}`);
  }
}

function checkMethod(method: ExperimentMethod, seeds: number): void {
  if (typeof method === 'string') throw new FormatError(`'${method}' is not one of the methods that all forms share`);
  checkKnown('a method', method, ['name', 'adapter', 'learningRates', 'seeds'], { learningRate: 'learningRates' });
  if (typeof method.name !== 'string' || method.name === '') throw new FormatError('name must be a non-empty string');
  const { learningRates: rates } = method;
  if (!Array.isArray(rates) || rates.length === 0) throw new FormatError('learningRates must be a non-empty list');
  const wrong = rates.find((rate, place) => !(typeof rate === 'number' && rate > (rates[place - 1] ?? 0)));
  if (wrong !== undefined) throw new FormatError(`learningRates: ${wrong} is not a number above the one before it`);
  checkWhole('seeds', method.seeds ?? 1);
  if ((method.seeds ?? 1) > seeds) throw new FormatError(`seeds ${method.seeds} is more than the ${seeds} seeds of the configuration`);
  methodConfig(method);
}

/** Adds the place of a value to the error about it. */
function inFile<T>(place: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof LowrankError)) throw cause;
    throw new FormatError(`${place}: ${cause.message}`, { cause });
  }
}
