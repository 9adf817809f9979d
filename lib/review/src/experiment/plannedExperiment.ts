/** The cells of an experiment with their data and results. */
import { ArgumentError, countParameters, type LlamaForCausalLM, type ProgressDisplay, StateError } from 'lowrank';
import { modelFacts, sha256 } from 'lowrank/internal';
import { drawExamples } from '../drawExamples';
import { encodeTask } from '../fineTune';
import type { ReviewTask } from '../prompts';
import type { ReviewSplits } from '../reviewExample';
import type { ReviewerTokenizer } from '../reviewerModel';
import { type CellPlan, cellPlans, type RunPlan, seedOf, type TrialPlan } from './cellPlan';
import { CellStore } from './cellStore';
import { EnvironmentLog } from './environmentLog';
import type { ExampleCounts, ExperimentConfig } from './experimentConfig';
import type { ExperimentResults, ExperimentSweep } from './experimentResults';
import { experimentTable, type FinishedCell } from './experimentRows';
import { type EncodedSplits, type MeasuredCell, measureCell } from './measureCell';
import type { PlainTexts } from './plainTexts';
import { type RunResult, runTraining, runTrial, type TrialResult } from './runCell';

/** The inputs of an experiment. */
export interface ExperimentWork {
  readonly model: LlamaForCausalLM;
  /** Name of the model in the results. */
  readonly modelName: string;
  readonly tokenizer: ReviewerTokenizer;
  readonly splits: ReviewSplits;
  /** Plain texts, to measure forgetting. */
  readonly texts: PlainTexts;
  /** Name of the data in the results. */
  readonly dataName: string;
  /** Version of this library. */
  readonly version: string;
  /** Processes that work on this experiment, for the record. @defaultValue 1 */
  readonly workers?: number;
  /** Stores finished cells and the current training run, from which the next run resumes. */
  readonly folder: string;
  /** Called before each cell; returns a display for its training. */
  readonly onCell?: (plan: CellPlan, done: number, count: number) => ProgressDisplay | undefined;
  readonly signal?: AbortSignal;
}

/** The table, and the text of the file with all answers. */
export interface ExperimentOutcome {
  readonly results: Omit<ExperimentResults, 'answers'>;
  readonly answers: string;
}

/** An experiment and its work folder. */
export class PlannedExperiment {
  readonly cells: readonly CellPlan[];
  readonly store: CellStore;
  private readonly drawn: ReadonlyMap<ReviewTask, ReviewSplits>;
  private readonly dataHash: string;
  /** Kept, because encoding thousands of examples takes longer than a short trial. */
  private readonly encoded = new Map<ReviewTask, EncodedSplits>();

  constructor(
    private readonly config: ExperimentConfig,
    private readonly work: ExperimentWork,
  ) {
    this.drawn = new Map(config.tasks.map((task) => [task, drawnSplits(config, task, work.splits)]));
    this.dataHash = dataHash([...this.drawn.values()], work.texts);
    const { name: _1, methods: _2, tasks: _3, seeds: _4, compare: _5, answersAtOnce: _6, ...settings } = config;
    const identity = {
      settings,
      firstSeed: config.seeds[0],
      dataHash: this.dataHash,
      model: [work.modelName, modelFacts(work.model).model],
    };
    this.store = new CellStore(work.folder, identity, (plan) => this.learningRate(plan));
    this.cells = cellPlans(config);
  }

  private splitsOf(task: ReviewTask): ReviewSplits {
    return this.drawn.get(task) ?? this.work.splits;
  }

  private encodedOf(task: ReviewTask): EncodedSplits {
    const known = this.encoded.get(task);
    if (known) return known;
    const { train, validation, test } = this.splitsOf(task);
    const { maxLength } = this.config;
    const encode = (part: ReviewSplits['train']) =>
      encodeTask(this.work.tokenizer, task, part, { maxLength }).flatMap((example) => example ?? []);
    const encoded = { train: encode(train), validation: encode(validation), test: encode(test) };
    if (encoded.validation.length === 0)
      throw new ArgumentError(`none of ${validation.length} validation examples of the ${task} task fits maxLength ${maxLength}`);
    this.encoded.set(task, encoded);
    return encoded;
  }

  async run(plan: CellPlan, done: number): Promise<void> {
    const progress = this.work.onCell?.(plan, done, this.cells.length);
    const folder = this.store.folder(plan);
    const { task } = plan;
    const work = { ...this.work, config: this.config, splits: this.splitsOf(task), encoded: this.encodedOf(task), folder, progress };
    if (plan.kind === 'base') this.store.keep(plan, await measureCell(work.model, task, work));
    else if (plan.kind === 'trial') this.store.keep(plan, await runTrial(plan, work));
    else this.store.keep(plan, await runTraining(plan, this.learningRate(plan) ?? Number.NaN, work));
  }

  /** The rate that the trials have chosen, once all of them are done. */
  learningRate({ method, task }: Pick<RunPlan, 'method' | 'task'>): number | undefined {
    return this.sweep(method.name, task)?.learningRate;
  }

  private sweep(method: string, task: ReviewTask): ExperimentSweep | undefined {
    const isTrial = (plan: CellPlan) => plan.kind === 'trial' && plan.method.name === method && plan.task === task;
    const plans = this.cells.filter((plan): plan is TrialPlan => isTrial(plan));
    const results = plans.flatMap((plan) => {
      const result = this.store.get<TrialResult>(plan);
      return result ? [{ learningRate: plan.learningRate, loss: result.loss }] : [];
    });
    if (results.length < plans.length) return undefined;
    const [best] = [...results].sort((a, b) => (a.loss ?? Infinity) - (b.loss ?? Infinity));
    if (best?.loss == null) throw new StateError(`every learning rate of ${method} diverges on the ${task} task: list lower ones`);
    const isAtEdge = best === results[0] || best === results.at(-1);
    return { method, task, trials: results, learningRate: best.learningRate, isAtEdge };
  }

  outcome(): ExperimentOutcome {
    const { config, work } = this;
    const finished: (FinishedCell & { readonly seed: number })[] = [];
    const runs: ExperimentResults['runs'][number][] = [];
    const notRun: ExperimentResults['notRun'][number][] = [];
    for (const plan of this.cells) {
      if (plan.kind === 'trial') continue;
      const method = plan.kind === 'base' ? 'base' : plan.method.name;
      const cell = this.store.get<MeasuredCell | RunResult>(plan);
      if (cell) finished.push({ method, task: plan.task, seed: seedOf(plan) ?? 0, cell });
      else notRun.push({ method, task: plan.task, ...(plan.kind === 'run' && { seed: plan.seed }) });
      if (cell && 'run' in cell) {
        const { losses: _, ...run } = cell.run;
        runs.push(run);
      }
    }
    const results = {
      format: 2 as const,
      config,
      environments: new EnvironmentLog(work.folder).all,
      model: { name: work.modelName, parameters: countParameters(work.model).total },
      data: { name: work.dataName, sha256: this.dataHash, examples: Object.fromEntries(Array.from(this.drawn, counted)) },
      sweeps: config.methods.flatMap(({ name }) => config.tasks.flatMap((task) => this.sweep(name, task) ?? [])),
      runs,
      ...experimentTable(finished, (task) => this.splitsOf(task), config.compare ?? []),
      notRun,
    };
    const lines = finished.map(({ method, task, seed, cell }) => JSON.stringify({ method, task, seed, answers: cell.answers }));
    return { results, answers: `${lines.join('\n')}\n` };
  }
}

function counted([task, { train, validation, test }]: readonly [ReviewTask, ReviewSplits]): [ReviewTask, ExampleCounts] {
  return [task, { train: train.length, validation: validation.length, test: test.length }];
}

/** Draws the examples, the same for every method and seed. */
function drawnSplits({ examples }: ExperimentConfig, task: ReviewTask, splits: ReviewSplits): ReviewSplits {
  return {
    train: drawExamples(task, splits.train, examples.train),
    validation: drawExamples(task, splits.validation, examples.validation),
    test: drawExamples(task, splits.test, examples.test),
  };
}

/** The SHA-256 of the drawn examples, whatever the order of their fields, and of the texts. */
function dataHash(drawn: readonly ReviewSplits[], texts: PlainTexts): string {
  const parts = drawn.flatMap(({ train, validation, test }) => [train, validation, test]);
  const fields = parts.map((part) => part.map((example) => Object.entries(example).sort(([a], [b]) => (a < b ? -1 : 1))));
  return sha256(JSON.stringify([fields, texts.code, texts.english]));
}
