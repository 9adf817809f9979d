/** The set-up of a run: its adapters' configurations, its frozen weights, its data and settings. A checkpoint fits this set-up only. */
import { StateError, type tf } from '../../runtime';
import { parametersOf, type TrainableModel } from '../trainableModel';
import { tensorChecksum } from './tensorChecksum';

/** The model's part of a set-up. */
export interface ModelSetup {
  /** The active adapters' configurations, by the adapter's name. */
  readonly adapters: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** The base model's configuration. */
  readonly config: Readonly<Record<string, unknown>>;
  /** A checksum over all bits of each frozen weight. */
  readonly frozen: Readonly<Record<string, string>>;
}

/** Compared by value, as JSON. */
export interface RunSetup extends ModelSetup {
  readonly inputs: RunInputs;
}

/** The inputs of the updates besides the model. The number of updates and their learning rates may change. */
export interface RunInputs {
  /** A checksum of the data by its use, where it can be read twice. */
  readonly data: Readonly<Record<string, string>>;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Fields without effect on the computation, or with an effect on the names and shapes of the trained parameters, which are compared. */
const SEEN_ELSEWHERE: readonly string[] = [
  'baseModelNameOrPath',
  'taskType',
  'targetModules',
  'excludeModules',
  'layersToTransform',
  'initLoraWeights', // a start that changes the base changes its checksums
];

/** The present set-up of a model. It reads every frozen weight once, at one or two gigabytes per second. */
export function setupOf(model: TrainableModel): ModelSetup {
  const { config = {} } = model;
  const trained = new Set(parametersOf(model).values());
  const idle = idleParameters(model);
  const frozen = Array.from(model.namedParameters?.() ?? []).filter(([, variable]) => !trained.has(variable) && !idle.has(variable));
  const sums = frozen.map(([name, variable]) => [name, tensorChecksum(variable)] as const);
  return { adapters: activeConfigs(model), config: { ...config }, frozen: Object.fromEntries(sums) };
}

/** The configurations of the active adapters, as far as the computation depends on them. */
export function activeConfigs({
  peftConfig = {},
  activeAdapters = [],
}: Pick<TrainableModel, 'peftConfig' | 'activeAdapters'>): ModelSetup['adapters'] {
  return Object.fromEntries(activeAdapters.map((name) => [name, without(SEEN_ELSEWHERE, { ...peftConfig[name] })] as const));
}

/**
 * @param where - the place of the saved set-up, for the message
 * @throws StateError with up to ten differences.
 */
export function checkSetup(where: string, saved: RunSetup, setup: RunSetup): void {
  const present = asJson(setup);
  const adapters = Object.entries(saved.adapters).flatMap(([name, config]) =>
    differences(`${name}.`, config, present.adapters[name] ?? {}),
  );
  const config = differences('', saved.config, present.config);
  const weights = [...new Set([...Object.keys(saved.frozen), ...Object.keys(present.frozen)])]
    .filter((name) => saved.frozen[name] !== present.frozen[name])
    .map((name) => `the base's ${name}${name in present.frozen ? '' : ' is missing'}`);
  const all = [...adapters, ...config, ...weights, ...inputDifferences(saved.inputs, present.inputs)];
  if (all.length === 0) return;
  const listed = all.slice(0, 10).join('; ') + (all.length > 10 ? `; and ${all.length - 10} more` : '');
  throw new StateError(
    `${where} is of a run with another setup: ${listed}. Resume with the same adapter, base, data and settings, or take another folder`,
  );
}

function inputDifferences(saved: RunInputs, { data, settings }: RunInputs): string[] {
  const uses = [...new Set([...Object.keys(saved.data), ...Object.keys(data)])].filter((use) => saved.data[use] !== data[use]);
  const known = Object.entries(settings).filter(([name]) => name in saved.settings); // an older version wrote fewer
  return [...uses.map((use) => `the ${use} data are not the same`), ...differences('', saved.settings, Object.fromEntries(known))];
}

function differences(prefix: string, saved: Readonly<Record<string, unknown>>, present: Readonly<Record<string, unknown>>): string[] {
  const names = [...new Set([...Object.keys(saved), ...Object.keys(present)])];
  const differing = names.filter((name) => ordered(saved[name]) !== ordered(present[name]));
  return differing.map((name) => `${prefix}${name} was ${JSON.stringify(saved[name])} and is ${JSON.stringify(present[name])}`);
}

/** Parameters of inactive adapters. */
function idleParameters(model: TrainableModel): ReadonlySet<tf.Variable> {
  const { peftConfig = {}, activeAdapters = [] } = model;
  const variablesOf = (names: readonly string[]) =>
    names.flatMap((name) => Array.from(model.adapterTensors?.(name).values() ?? [], ({ variable }) => variable)).flat();
  const active = new Set(variablesOf(activeAdapters));
  return new Set(variablesOf(Object.keys(peftConfig)).filter((variable) => !active.has(variable)));
}

function without(names: readonly string[], record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !names.includes(name)));
}

/** The same, read from a checkpoint. */
function asJson(setup: RunSetup): RunSetup {
  return JSON.parse(JSON.stringify(setup)) as RunSetup;
}

/** JSON with the keys of objects in order. */
function ordered(value: unknown): string | undefined {
  const sorted = (_: string, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each) ? Object.fromEntries(Object.entries(each).sort()) : each;
  return JSON.stringify(value, sorted);
}
