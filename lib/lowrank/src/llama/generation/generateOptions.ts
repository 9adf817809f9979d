/** The settings of generation, and their checks before it begins. */
import { ArgumentError, ShapeError } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { checkWhole } from '../../runtime/checks/checkWhole';
import { checkPrecision } from '../../runtime/compile/precision';
import { checkMemory } from '../../runtime/memory/memoryBudget';
import { warn } from '../../runtime/messages/warn';
import { checkIds, checkLength, checkRows } from '../checkInputs';
import type { LlamaConfig } from '../config';
import { workPlan } from '../memory/memoryPlan';
import { type BeamSearchOptions, checkBeams } from './beamSearch';
import { longest } from './padLeft';
import { checkSampling, type SamplingOptions } from './sampling';

/** Settings of generation. */
export interface GenerateOptions extends SamplingOptions, BeamSearchOptions {
  /** @defaultValue 20 */
  readonly maxNewTokens?: number;
  /** Random seed for temperatures above 0; each row has its own sequence. @defaultValue 0 */
  readonly seed?: number;
  /** The id, or ids, that end a row; `[]` for none. @defaultValue from the configuration */
  readonly eosTokenId?: number | readonly number[];
  /**
   * Use compiled functions: the first token of a new call signature takes a second or more, all others a fraction of the time.
   * @defaultValue true
   */
  readonly compile?: boolean;
  /** Type of compiled matrix products; always float32 on a CPU without fast bfloat16 instructions. @defaultValue 'float32' */
  readonly precision?: 'float32' | 'bfloat16';
  /** Stops between two tokens; on a GPU with greedy decoding, between two groups of up to eight tokens. */
  readonly signal?: AbortSignal;
  /**
   * Called with each new id and its row as soon as it is read: one by one, or on a GPU with greedy decoding one, then two, four and eight
   * at a time. Beam search chooses only at the end, and does not accept it.
   */
  readonly onToken?: (id: number, row: number) => void;
}

const OPTIONS = [
  'maxNewTokens',
  'temperature',
  'topP',
  'topK',
  'seed',
  'eosTokenId',
  'numBeams',
  'lengthPenalty',
  'earlyStopping',
  'numReturnSequences',
  'compile',
  'precision',
  'signal',
  'onToken',
] as const satisfies readonly (keyof GenerateOptions)[];

/** Checks a whole request. @throws as `generate`. */
export function checkRequest(
  prompts: readonly (readonly number[])[],
  maxNewTokens: number,
  config: LlamaConfig,
  options: GenerateOptions,
): void {
  checkKnown('generate', options, OPTIONS, { maxTokens: 'maxNewTokens', maxLength: 'maxNewTokens', stop: 'eosTokenId' });
  checkGenerating({ ...options, maxNewTokens });
  warnOfIdle(options);
  for (const id of [options.eosTokenId ?? []].flat()) {
    if (Number.isInteger(id) && id >= 0 && id < config.vocabSize) continue;
    throw new ArgumentError(`eosTokenId ${id} is not in the vocabulary, 0…${config.vocabSize - 1}: no text would end with it`);
  }
  checkRows('inputIds', prompts);
  if (prompts.length === 0) throw new ShapeError('inputIds are empty: give at least one row');
  const empty = prompts.findIndex((row) => row.length === 0);
  if (empty >= 0) throw new ShapeError(`row ${empty} of inputIds is empty: give at least one token, for example bosTokenId`);
  checkIds(prompts, config.vocabSize);
  warnOfPadding(prompts, config, options);
  const length = longest(prompts);
  checkLength(length + maxNewTokens, config, `a prompt of ${length} and maxNewTokens ${maxNewTokens}, together a sequence`);
}

/** Checks what depends on neither model nor prompt. @throws ArgumentError for an option out of range, and for conflicting options. */
export function checkGenerating(options: GenerateOptions): void {
  checkSampling(options);
  checkBeams(options);
  checkExecution(options);
  const { numBeams = 1, temperature = 0, maxNewTokens = 20, onToken } = options;
  if (numBeams > 1 && temperature > 0)
    throw new ArgumentError(`numBeams ${numBeams} searches and temperature ${temperature} draws: take one`);
  if (numBeams > 1 && onToken) throw new ArgumentError(`onToken cannot follow ${numBeams} beams: their text is known only at the end`);
  checkWhole('maxNewTokens', maxNewTokens);
}

/** Warns of options that are given and do nothing, as transformers does. */
function warnOfIdle(options: GenerateOptions): void {
  const { temperature = 0, numBeams = 1 } = options;
  const given = (names: readonly (keyof GenerateOptions)[]) => names.filter((name) => options[name] !== undefined);
  const noEffect = (names: readonly string[]) => `generate: ${names.join(' and ')} ${names.length > 1 ? 'have' : 'has'} no effect`;
  const [drawing, searching] = [given(['topP', 'topK']), given(['lengthPenalty', 'earlyStopping'])];
  if (drawing.length > 0 && temperature === 0) warn(`${noEffect(drawing)} at temperature 0, which takes the likeliest token`);
  if (searching.length > 0 && numBeams === 1) warn(`${noEffect(searching)} unless numBeams is above 1`);
}

/**
 * Warns of a row that its caller has padded, of which transformers masks the left side and warns of the right. A padding token that also
 * begins or ends texts may stand there.
 */
function warnOfPadding(prompts: readonly (readonly number[])[], config: LlamaConfig, { eosTokenId }: GenerateOptions): void {
  const { padTokenId, bosTokenId } = config;
  if (padTokenId === undefined || [bosTokenId, config.eosTokenId ?? [], eosTokenId ?? []].flat().includes(padTokenId)) return;
  const padded = prompts.findIndex((row) => row[0] === padTokenId || row.at(-1) === padTokenId);
  if (padded < 0) return;
  const side = prompts[padded]?.[0] === padTokenId ? 'begins' : 'ends';
  const remedy = 'leave padding out, because rows of different lengths are padded and masked here';
  warn(`generate: row ${padded} of inputIds ${side} with the padding token ${padTokenId}, which is read as a token: ${remedy}`);
}

/** @throws ArgumentError when an execution option has an invalid value, or would have no effect. */
function checkExecution({ seed = 0, compile, precision, onToken }: GenerateOptions): void {
  checkWhole('seed', seed, 0);
  checkPrecision({ compile, precision });
  if (onToken !== undefined && typeof onToken !== 'function') throw new ArgumentError('onToken is not a function');
}

/** @throws MemoryError when the texts do not fit. */
export function checkGenerationMemory(
  prompts: readonly (readonly number[])[],
  maxNewTokens: number,
  config: LlamaConfig,
  { numBeams, compile, precision }: GenerateOptions,
): void {
  const [batchSize, sequenceLength] = [prompts.length, longest(prompts)];
  const plan = workPlan(config, { task: 'generate', batchSize, sequenceLength, maxNewTokens, numBeams, compile, precision });
  checkMemory(plan, {
    what: `generating ${maxNewTokens} tokens after each of ${batchSize} prompts of up to ${sequenceLength}`,
    remedy: 'Give fewer prompts at a time, or take a smaller maxNewTokens or numBeams',
  });
}
