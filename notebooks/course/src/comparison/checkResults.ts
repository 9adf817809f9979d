/** Checks a results file for contradictions, before anything is drawn from it. */
import { FormatError } from 'lowrank/errors';
import { isJsonObject } from 'lowrank/internal';
import type { ExperimentResults } from 'lowrank-review';

const LISTS = ['environments', 'sweeps', 'runs', 'rows', 'differences', 'notRun'] as const;
/** The file's numbers are rounded to three decimals or more. */
const ROUNDING = 0.005;

/**
 * Returns the value as results if it is consistent: its methods and tasks are those of its configuration, each sweep chose its best trial,
 * each row is the mean of its runs, each difference that of its rows, and every run is either there or in `notRun`.
 *
 * @throws FormatError with the place of the contradiction
 */
export function checkResults(value: unknown, path: string): ExperimentResults {
  if (!isJsonObject(value)) throw new FormatError(`${path} is not a results file of \`make experiment\``);
  if (value.format !== 2)
    throw new FormatError(`${path} has format ${String(value.format)} where 2 is expected; run \`make experiment\` again`);
  const missing = LISTS.find((list) => !Array.isArray(value[list]));
  if (missing) throw new FormatError(`${path} has no list '${missing}'; run \`make experiment\` again`);
  if (!isJsonObject(value.config)) throw new FormatError(`${path} has no configuration; run \`make experiment\` again`);
  const results = value as unknown as ExperimentResults;
  const fault = faultOf(results);
  if (fault) throw new FormatError(`${path}: ${fault}; write the file again with \`lowrank experiment --collect\``);
  return results;
}

function faultOf(results: ExperimentResults): string | undefined {
  return cellFault(results) ?? sweepFault(results) ?? rowFault(results) ?? differenceFault(results);
}

/** Each method, task and seed of the configuration has run once, or is in `notRun`. */
function cellFault({ config, runs, notRun }: ExperimentResults): string | undefined {
  const name = (method: string, task: string, seed: number) => `${method} on ${task} with seed ${seed}`;
  const wanted = config.methods.flatMap((method) =>
    config.tasks.flatMap((task) => config.seeds.slice(0, method.seeds).map((seed) => name(method.name, task, seed))),
  );
  const done = runs.map(({ method, task, seed }) => name(method, task, seed));
  const open = notRun.flatMap(({ method, task, seed }) =>
    seed === undefined ? wanted.filter((each) => each.startsWith(`${method} on ${task} `)) : [name(method, task, seed)],
  );
  const known = [...done, ...open];
  const twice = known.find((each, index) => known.indexOf(each) !== index);
  if (twice) return `${twice} is there twice`;
  const unknown = known.find((each) => !wanted.includes(each));
  if (unknown) return `${unknown} is not in the configuration`;
  const lost = wanted.find((each) => !known.includes(each));
  return lost && `${lost} is neither in runs nor in notRun`;
}

function sweepFault({ sweeps }: ExperimentResults): string | undefined {
  for (const { method, task, trials, learningRate, isAtEdge } of sweeps) {
    const place = `the sweep of ${method} on ${task}`;
    const best = [...trials].sort((a, b) => (a.loss ?? Number.POSITIVE_INFINITY) - (b.loss ?? Number.POSITIVE_INFINITY))[0];
    if (best?.learningRate !== learningRate) return `${place} chose ${learningRate}, and its lowest loss is at ${best?.learningRate}`;
    const rates = trials.map((trial) => trial.learningRate);
    const isEnd = learningRate === Math.min(...rates) || learningRate === Math.max(...rates);
    if (isEnd !== isAtEdge) return `${place} says isAtEdge ${isAtEdge}, and ${learningRate} is ${isEnd ? '' : 'not '}at the edge`;
  }
  return undefined;
}

function rowFault({ config, rows, runs }: ExperimentResults): string | undefined {
  const methods = new Set(config.methods.map(({ name }) => name));
  for (const { method, task, metric, value, low, high, perSeed } of rows) {
    const place = `the row of ${method}, ${task}, ${metric}`;
    if (![value, low, high, ...perSeed].every(Number.isFinite)) return `${place} has a value that is not a number`;
    if (low > high) return `${place} has an interval from ${low} to ${high}`;
    const mean = perSeed.reduce((sum, each) => sum + each, 0) / perSeed.length;
    if (!(Math.abs(mean - value) <= ROUNDING * Math.max(1, Math.abs(value))))
      return `${place} says ${value}, and its seeds have a mean of ${mean}`;
    const seeds = runs.filter((run) => run.method === method && run.task === task).length;
    if (methods.has(method) && seeds !== perSeed.length) return `${place} has ${perSeed.length} seeds, and there are ${seeds} runs`;
  }
  return undefined;
}

function differenceFault({ rows, differences }: ExperimentResults): string | undefined {
  for (const { method, reference, task, metric, value, low, high } of differences) {
    const place = `the difference of ${method} and ${reference}, ${task}, ${metric}`;
    const [one, other] = [method, reference].map((name) =>
      rows.find((row) => row.method === name && row.task === task && row.metric === metric),
    );
    if (!one || !other) return `${place} has no rows`;
    if (low > high) return `${place} has an interval from ${low} to ${high}`;
    const wanted = one.value - other.value;
    if (!(Math.abs(wanted - value) <= ROUNDING * Math.max(1, Math.abs(wanted))))
      return `${place} says ${value}, and its rows say ${wanted}`;
  }
  return undefined;
}
