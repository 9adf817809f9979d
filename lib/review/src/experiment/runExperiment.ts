/** Runs the whole comparison, cell by cell, and builds its table: every method on every task with every seed. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import nodePath from 'node:path';
import { countParameters, deviceInfo, FormatError, type LlamaForCausalLM, type ProgressDisplay } from 'lowrank';
import { deviceName, pathKind, readJsonFile, storingIn, writeTextAtomic } from 'lowrank/internal';
import { drawExamples } from '../fineTune';
import type { ReviewTask } from '../prompts';
import type { ReviewSplits } from '../reviewExample';
import type { ReviewerTokenizer } from '../reviewerModel';
import { type CellPlan, type CellResult, runCell } from './experimentCell';
import type { ExperimentConfig } from './experimentConfig';
import type { ExperimentEnvironment, ExperimentResults } from './experimentResults';
import { experimentRows } from './experimentRows';

/** In bytes; a cell contains the answers to a few hundred examples. */
const LARGEST_CELL = 2 ** 28;

/** The inputs of an experiment. */
export interface ExperimentWork {
  readonly model: LlamaForCausalLM;
  /** Name of the model in the results. */
  readonly modelName: string;
  readonly tokenizer: ReviewerTokenizer;
  readonly splits: ReviewSplits;
  /** Name of the data in the results. */
  readonly dataName: string;
  /** Version of this library. */
  readonly version: string;
  /** Stores finished cells and the current training run, from which the next run resumes. */
  readonly folder: string;
  /** Called before each cell; returns a display for its training. */
  readonly onCell?: (plan: CellPlan, index: number, count: number, isDone: boolean) => ProgressDisplay | undefined;
  readonly signal?: AbortSignal;
}

/**
 * Runs every cell that is not yet in the folder, and returns the table of all cells.
 *
 * A stored cell is identified by the configuration, the data, the model and its method, task and seed. A change to any of them runs it
 * again.
 *
 * @throws AbortedError when the signal or an interrupt ends it; finished cells and the current training run are kept.
 */
export async function runExperiment(config: ExperimentConfig, work: ExperimentWork): Promise<ExperimentResults> {
  const planned = plannedCells(config, work);
  for (const [index, cell] of planned.cells.entries()) {
    const isDone = readCell(cell.folder) !== undefined;
    const progress = work.onCell?.(cell.plan, index, planned.cells.length, isDone);
    if (!isDone) keepCell(cell.folder, await runCell(cell.plan, { ...work, ...cell, config, progress }));
  }
  return resultsOf(config, work, planned);
}

/** The table of the cells already in the folder; all others are listed as not run. */
export function collectExperiment(config: ExperimentConfig, work: ExperimentWork): ExperimentResults {
  return resultsOf(config, work, plannedCells(config, work));
}

/** A cell with its examples and the place of its result. */
interface PlannedCell {
  readonly plan: CellPlan;
  readonly splits: ReviewSplits;
  readonly folder: string;
}

interface PlannedCells {
  readonly cells: readonly PlannedCell[];
  readonly splitsOf: (task: ReviewTask) => ReviewSplits;
  readonly dataHash: string;
}

function plannedCells(config: ExperimentConfig, { splits, folder, modelName }: ExperimentWork): PlannedCells {
  const drawn = new Map(config.tasks.map((task) => [task, drawnSplits(config, task, splits)]));
  const splitsOf = (task: ReviewTask) => drawn.get(task) ?? splits;
  const dataHash = sha256([...drawn.values()]);
  const { name: _name, methods: _methods, tasks: _tasks, seeds: _seeds, ...settings } = config;
  const place = (plan: CellPlan) => nodePath.join(folder, sha256({ settings, dataHash, model: modelName, plan }).slice(0, 16));
  const cells = cellPlans(config).map((plan) => ({ plan, splits: splitsOf(plan.task), folder: place(plan) }));
  return { cells, splitsOf, dataHash };
}

function resultsOf(config: ExperimentConfig, work: ExperimentWork, { cells, splitsOf, dataHash }: PlannedCells): ExperimentResults {
  const kept = cells.map(({ plan, folder }) => ({ plan, result: readCell(folder) }));
  const finished = kept.flatMap(({ plan, result }) => (result ? [{ plan, result }] : []));
  const notRun = kept
    .filter(({ result }) => !result)
    .map(({ plan: { method, task, seed } }) => ({ method: method?.name ?? 'base', task, seed }));
  return {
    format: 1,
    config,
    environment: environment(work.version),
    model: { name: work.modelName, parameters: countParameters(work.model).total },
    data: { name: work.dataName, sha256: dataHash },
    rows: experimentRows(finished, splitsOf),
    runs: finished.flatMap(({ result }) => result.run ?? []),
    notRun,
  };
}

function cellPlans({ tasks, methods, seeds }: ExperimentConfig): CellPlan[] {
  const base = tasks.map((task) => ({ task, seed: 0 }));
  return [...base, ...seeds.flatMap((seed) => methods.flatMap((method) => tasks.map((task) => ({ method, task, seed }))))];
}

/** Draws the examples, the same for every method and seed. */
function drawnSplits({ examples }: ExperimentConfig, task: ReviewTask, splits: ReviewSplits): ReviewSplits {
  return {
    train: drawExamples(task, splits.train, examples.train),
    validation: drawExamples(task, splits.validation, examples.validation),
    test: drawExamples(task, splits.test, examples.test),
  };
}

function readCell(folder: string): CellResult | undefined {
  const path = nodePath.join(folder, 'cell.json');
  if (pathKind(path) === undefined) return undefined;
  const cell = readJsonFile(path, { largest: LARGEST_CELL, mostContainers: Number.POSITIVE_INFINITY });
  const { trainableParameters } = cell;
  const lacking = ['answers', 'validationAnswers', 'losses'].find((name) => !Array.isArray(cell[name]));
  const wrong = typeof trainableParameters === 'number' ? lacking : 'trainableParameters';
  if (wrong !== undefined)
    throw new FormatError(`${path}: ${wrong} is not what this version writes; remove the file, and the cell is run anew`);
  return cell as unknown as CellResult;
}

function keepCell(folder: string, result: CellResult): void {
  storingIn(folder, 'results', () => {
    fs.mkdirSync(folder, { recursive: true });
    writeTextAtomic(nodePath.join(folder, 'cell.json'), JSON.stringify(result));
    fs.rmSync(nodePath.join(folder, 'training'), { recursive: true, force: true });
  });
}

function environment(version: string): ExperimentEnvironment {
  const { nodeVersion, tensorflowVersion } = deviceInfo();
  const memoryGiB = Math.round(os.totalmem() / 2 ** 30);
  return {
    lowrank: version,
    node: nodeVersion,
    tensorflow: tensorflowVersion,
    device: deviceName(),
    cores: os.availableParallelism(),
    memoryGiB,
  };
}

function sha256(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
