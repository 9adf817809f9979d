/** The measured comparison, as the course reads it from its results file. */
import * as fs from 'node:fs';
import { ArgumentError, FormatError } from 'lowrank/errors';
import { reasonOf } from 'lowrank/internal';
import type { LossRun, Score } from 'lowrank-notebook';
import type { ExperimentDifference, ExperimentMetric, ExperimentResults, ExperimentRow, ExperimentSweep, ReviewTask } from 'lowrank-review';
import { checkResults } from './checkResults';
import { METRICS, numberText } from './metrics';

/** A metric of a task. */
export interface Measure {
  readonly task: ReviewTask;
  readonly metric: ExperimentMetric;
}

/** A results file of `make experiment`, checked for contradictions, and the values that readers look up in it. */
export class Comparison {
  constructor(readonly results: ExperimentResults) {}

  /** Reads a results file. @throws FormatError when the file cannot be read, or does not agree with itself */
  static read(path: string): Comparison {
    let value: unknown;
    try {
      value = JSON.parse(fs.readFileSync(path, 'utf8'));
    } catch (error) {
      throw new FormatError(`cannot read ${path}: ${reasonOf(error)}; \`make experiment\` writes it`);
    }
    return new Comparison(checkResults(value, path));
  }

  /** The names of the trained methods that have results, in the order of the configuration. */
  get methods(): string[] {
    const done = new Set(this.results.runs.map(({ method }) => method));
    return this.results.config.methods.map(({ name }) => name).filter((name) => done.has(name));
  }

  /** @throws ArgumentError when it was not measured */
  row(method: string, measure: Measure): ExperimentRow {
    return this.#find(method, measure) ?? this.#refuse(`no ${measure.metric} of '${method}' on ${measure.task}`);
  }

  /** A score for each named measure; `undefined` where the method was not measured. */
  values(method: string, measures: Readonly<Record<string, Measure>>): Record<string, number | undefined> {
    return Object.fromEntries(Object.entries(measures).map(([name, measure]) => [name, this.#find(method, measure)?.value]));
  }

  #find(method: string, { task, metric }: Measure): ExperimentRow | undefined {
    return this.results.rows.find((row) => row.method === method && row.task === task && row.metric === metric);
  }

  /** @throws ArgumentError when there was no such sweep */
  sweep(method: string, task: ReviewTask): ExperimentSweep {
    const sweep = this.results.sweeps.find((each) => each.method === method && each.task === task);
    return sweep ?? this.#refuse(`no sweep of '${method}' on ${task}`);
  }

  /** @throws ArgumentError when the pair is not in `config.compare` */
  difference(method: string, reference: string, { task, metric }: Measure): ExperimentDifference {
    const found = this.results.differences.find(
      (each) => each.method === method && each.reference === reference && each.task === task && each.metric === metric,
    );
    return found ?? this.#refuse(`no difference in ${metric} of '${method}' and '${reference}' on ${task}`);
  }

  /** The differences of two methods, for those of the measures in which the pair was measured. */
  differences(method: string, reference: string, measures: readonly Measure[]): ExperimentDifference[] {
    return this.results.differences.filter(
      (each) =>
        each.method === method &&
        each.reference === reference &&
        measures.some(({ task, metric }) => task === each.task && metric === each.metric),
    );
  }

  /** The trained parameters of a method; 0 for the base and for answers that need no model. */
  parameters(method: string): number {
    return this.results.runs.find((run) => run.method === method)?.trainableParameters ?? 0;
  }

  /** Scores for `scorePlot`, one facet for each measure, of the named methods; `data` ends the names of the facets. */
  scores(measures: readonly Measure[], methods: readonly string[] = this.methods, data?: string): Score[] {
    return measures.flatMap(({ task, metric }) =>
      this.results.rows
        .filter((row) => row.task === task && row.metric === metric && methods.includes(row.method))
        .map(({ method, value, low, high, perSeed }) => {
          const seeds = perSeed.length > 1 ? { seeds: perSeed } : {};
          const facet = data === undefined ? task : `${task}, ${data}`;
          return { method, value, low, high, facet, parameters: this.parameters(method), ...seeds };
        }),
    );
  }

  /** Validation losses for `lossCurves`. */
  losses(task: ReviewTask, methods: readonly string[] = this.methods): LossRun[] {
    const runs = this.results.runs.filter((run) => run.task === task);
    return methods.flatMap((method) =>
      runs.filter((run) => run.method === method).map(({ evaluations }) => ({ method, points: evaluations })),
    );
  }

  /** A sentence about a paired difference, which calls one method higher only if the interval excludes 0. */
  tell(method: string, reference: string, measure: Measure): string {
    const { value, low, high } = this.difference(method, reference, measure);
    const { name, unit } = METRICS[measure.metric];
    const text = (number: number) => numberText(measure.metric, number);
    const start = `${measure.task}, ${name}: ${method}`;
    if (low <= 0 && high >= 0) return `${start} and ${reference} are not told apart (${text(value)}; ${text(low)} to ${text(high)})`;
    const [size, near, far] = value > 0 ? [value, low, high] : [-value, -high, -low];
    const place = value > 0 ? 'above' : 'below';
    return `${start} is ${text(size)}${unit} ${place} ${reference} (${text(near)} to ${text(far)})`;
  }

  #refuse(what: string): never {
    throw new ArgumentError(`the results of form '${this.results.config.name}' have ${what}`);
  }
}
