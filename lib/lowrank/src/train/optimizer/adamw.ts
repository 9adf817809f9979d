/**
 * AdamW: Adam with weight decay that is decoupled from the gradients (Loshchilov & Hutter 2019, arXiv 1711.05101, algorithm 2), computed as
 * in PyTorch.
 */
import { ArgumentError, compileNested, ShapeError, StateError, tf } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { checkGiven } from '../../runtime/checks/door';
import { checkedMoments, type OptimizerState } from './optimizerState';
import type { Schedule } from './schedules';
import { StackedMoments } from './stackedMoments';

/** `1 − η·λ`, `η / (1 − β₁ᵗ)` and `√(1 − β₂ᵗ)`: the numbers that change from update to update. */
function coefficientsOf(t: number, learningRate: number, { weightDecay, betas: [beta1, beta2] }: Settings): [number, number, number] {
  return [1 - learningRate * weightDecay, learningRate / (1 - beta1 ** t), Math.sqrt(1 - beta2 ** t)];
}

/** One update of a parameter w with gradient g; m and v are the moments, m̂ and v̂ the bias-corrected moments. */
function adamw({ weight, grad, first, second }: ParameterState, [keep, stepSize, secondScale]: Coefficients, settings: GroupSettings) {
  const [beta1, beta2] = settings.betas;
  const m = first.add(grad.sub(first).mul(1 - beta1)); // m ← β₁·m + (1 − β₁)·g
  const v = second.mul(beta2).add(grad.square().mul(1 - beta2)); // v ← β₂·v + (1 − β₂)·g²
  const decayed = settings.decays ? weight.mul(keep) : weight; // w ← w − η·λ·w
  const denominator = v.sqrt().div(secondScale).add(settings.epsilon); // √v̂ + ε, with v̂ = v / (1 − β₂ᵗ)
  return { weight: decayed.sub(m.mul(stepSize).div(denominator)), first: m, second: v }; // w ← w − η·m̂ / (√v̂ + ε), with m̂ = m / (1 − β₁ᵗ)
}

type ParameterState = { readonly weight: tf.Tensor; readonly grad: tf.Tensor; readonly first: tf.Tensor; readonly second: tf.Tensor };
type Coefficients = readonly [tf.Scalar, tf.Scalar, tf.Scalar];

/** The constants of every update. */
type Settings = { readonly weightDecay: number; readonly betas: readonly [number, number]; readonly epsilon: number };

/** The settings that a group of parameters shares. */
type GroupSettings = Pick<Settings, 'betas' | 'epsilon'> & { readonly decays: boolean };

/** The inputs of an update besides the gradients. */
type UpdateInputs = {
  /** From {@link AdamW.coefficients}. Shape (3). */
  readonly coefficients: tf.Tensor1D;
  /** If false, nothing changes. Shape (), bool. @defaultValue true */
  readonly allFinite?: tf.Tensor;
};

/** Parameters of one shape, and their stacked moments. */
type Group = {
  readonly weights: readonly tf.Tensor[];
  /** A parameter without a gradient keeps its value and its moments. */
  readonly grads: readonly (tf.Tensor | undefined)[];
  /** Shape (n, ...shape). */
  readonly first: tf.Tensor;
  /** Shape (n, ...shape). */
  readonly second: tf.Tensor;
};

type UpdatedGroup = Omit<Group, 'grads'>;

/** Updates the parameters of a group as one tensor. */
const updateGroup = compileNested(
  ({ weights, grads, first, second }: Group, { coefficients, allFinite }: UpdateInputs, settings: GroupSettings): UpdatedGroup => {
    const scalars = tf.unstack(coefficients) as [tf.Scalar, tf.Scalar, tf.Scalar];
    const [like] = weights as [tf.Tensor];
    const before = { weight: tf.stack([...weights]), grad: tf.stack(grads.map((grad) => grad ?? tf.zerosLike(like))), first, second };
    const after = adamw(before, scalars, settings);
    const everywhere = changes(grads, first.shape, allFinite);
    const unless = (key: keyof typeof after) => (everywhere ? tf.where(everywhere, after[key], before[key]) : after[key]);
    return { weights: tf.unstack(unless('weight')), first: unless('first'), second: unless('second') };
  },
  { name: 'adamw' },
);

/** Where a group changes; undefined: everywhere. Broadcast once, because `where` would do it at each call. Shape (n, ...shape), bool. */
function changes(grads: Group['grads'], shape: number[], allFinite?: tf.Tensor): tf.Tensor | undefined {
  if (!grads.includes(undefined)) return allFinite?.broadcastTo(shape);
  const isReached = grads.map((grad) => grad !== undefined);
  const rows = tf.tensor(isReached, [grads.length, ...shape.slice(1).map(() => 1)], 'bool');
  return (allFinite ? rows.logicalAnd(allFinite) : rows).broadcastTo(shape);
}

/** The settings of AdamW. */
export interface AdamWOptions {
  /** A number, or one per update, for example from `cosineSchedule`. @defaultValue 0.001 */
  readonly learningRate?: number | Schedule;
  /** λ. @defaultValue 0.01 */
  readonly weightDecay?: number;
  /** β₁ and β₂. @defaultValue [0.9, 0.999] */
  readonly betas?: readonly [number, number];
  /** ε. @defaultValue 1e-8 */
  readonly epsilon?: number;
  /** Whether the parameter of this name decays; often `(name) => !/bias|norm|gate/.test(name)`. @defaultValue all decay */
  readonly decays?: (name: string) => boolean;
}

/** A variable and its new value. */
export type Assignment = readonly [tf.Variable, tf.Tensor];

/**
 * The AdamW optimizer, equal to PyTorch's: `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`, `w ← w − η·λ·w − η·m̂/(√v̂ + ε)`, where m̂ and v̂ are
 * the bias-corrected moments. Its moments belong to the variables of its first updates: `dispose()` makes it ready for others.
 *
 * @throws ArgumentError when an option is out of its range.
 */
export class AdamW {
  private readonly schedule: Schedule;
  private readonly settings: Settings;
  private readonly decays: (name: string) => boolean;
  private readonly moments: StackedMoments;
  private updates = 0;

  constructor(options: AdamWOptions = {}) {
    checkKnown('AdamW', options, ['learningRate', 'weightDecay', 'betas', 'epsilon', 'decays']);
    const { learningRate = 1e-3, weightDecay = 0.01, betas = [0.9, 0.999], epsilon = 1e-8, decays = () => true } = options;
    if (typeof learningRate === 'number') checkRange('learningRate', learningRate, learningRate >= 0);
    checkGiven(
      'new AdamW(options)',
      { learningRate, weightDecay, betas, epsilon },
      { learningRate: 'number | function', weightDecay: 'number', betas: 'number[]', epsilon: 'number' },
    );
    checkRange('weightDecay', weightDecay, weightDecay >= 0);
    for (const beta of betas) checkRange('beta', beta, beta >= 0 && beta < 1);
    checkRange('epsilon', epsilon, epsilon > 0);
    this.schedule = typeof learningRate === 'number' ? () => learningRate : learningRate;
    this.settings = { weightDecay, betas, epsilon };
    this.decays = (name) => weightDecay > 0 && decays(name);
    this.moments = new StackedMoments(this.decays);
  }

  /** Number of updates so far; updates whose numbers have not been read do not count yet. */
  get step(): number {
    return this.updates;
  }

  /** The constants of every update of these parameters. @internal */
  constantsFor(names: readonly string[]): Settings & { readonly decays: string } {
    const decaying = names.filter(this.decays);
    const few = decaying.length === 0 ? 'none' : decaying.join();
    return { ...this.settings, decays: decaying.length === names.length ? 'all' : few };
  }

  /** The learning rate of the next update. */
  get learningRate(): number {
    return this.learningRateAt(this.updates);
  }

  /**
   * The learning rate of the update with this number of earlier updates.
   *
   * @throws ArgumentError when the schedule does not return a finite number of at least 0.
   */
  learningRateAt(updates: number): number {
    const rate = this.schedule(updates);
    if (rate >= 0 && rate < Infinity) return rate;
    throw new ArgumentError(
      `the schedule returns a learning rate of ${rate} for update ${updates + 1}; it must be a finite number of at least 0`,
    );
  }

  /**
   * Makes one update. A parameter without a gradient keeps its value and its moments.
   *
   * `parameters` maps each name to its variable; without it, the names are tfjs's own, as `tf.variableGrads` returns them.
   *
   * Shapes: each gradient has the shape of its parameter.
   *
   * @throws ArgumentError for an unknown name or an invalid learning rate; ShapeError when a gradient does not fit; StateError when a
   * name had another variable in an earlier update. Nothing has changed then.
   */
  applyGradients(grads: tf.NamedTensorMap, parameters?: Iterable<readonly [string, tf.Variable]>): void {
    const known = parameters ? new Map(parameters) : new Map(Object.entries(tf.engine().registeredVariables));
    const reached = pair(grads, known).map(({ name, variable }) => [name, variable] as const);
    this.prepare(reached);
    tf.tidy(() => {
      for (const [variable, value] of this.updated(grads, known, { coefficients: this.coefficients() })) variable.assign(value);
    });
    this.countStep();
  }

  /** The moments of these parameters; new moments are zeros. @throws StateError when they belong to another parameter. @internal */
  prepare(parameters: Iterable<readonly [string, tf.Variable]>): tf.Variable[] {
    const all = [...parameters];
    if (this.updates === 0 && !this.moments.areOf(all)) this.moments.dispose(); // the zeros of an update that failed
    this.moments.bind(all);
    return this.moments.groupsOf(all.map(([name]) => name)).flatMap(({ first, second }) => [first, second]);
  }

  /**
   * The numbers of the next update, or of the update after `begun` others that are not counted yet: a tensor, because one compiled function
   * then serves every update. Shape (3).
   *
   * @internal
   */
  coefficients(begun = 0): tf.Tensor1D {
    const t = this.updates + begun + 1;
    return tf.tensor1d(coefficientsOf(t, this.learningRateAt(t - 1), this.settings));
  }

  /**
   * The new values of the parameters and of their moments from {@link prepare}. It assigns nothing.
   *
   * @throws as {@link applyGradients}.
   * @internal
   */
  updated(grads: tf.NamedTensorMap, parameters: ReadonlyMap<string, tf.Variable>, inputs: UpdateInputs): Assignment[] {
    const { betas, epsilon } = this.settings;
    const reached = new Map(pair(grads, parameters).map((update) => [update.name, update]));
    return this.moments.groupsOf(reached.keys()).flatMap(({ names, decays, first, second }): Assignment[] => {
      const members = names.map((name) => reached.get(name));
      const like = members.find((member) => member)?.variable as tf.Variable;
      const group = {
        weights: members.map((member) => member?.variable ?? like),
        grads: members.map((member) => member?.grad),
        first,
        second,
      };
      const updated = updateGroup(group, inputs, { betas, epsilon, decays });
      const weights = members.flatMap((member, row): Assignment[] =>
        member ? [[member.variable, updated.weights[row] as tf.Tensor]] : [],
      );
      return [...weights, [first, updated.first], [second, updated.second]];
    });
  }

  /** Counts an update. @internal */
  countStep(): void {
    this.updates++;
  }

  /** A copy of everything that the next update depends on, except the learning rate's function. */
  state(): OptimizerState {
    const tensors: tf.NamedTensorMap = {};
    for (const [name, { first, second }] of this.moments.copies()) {
      tensors[`first.${name}`] = first;
      tensors[`second.${name}`] = second;
    }
    return { step: this.updates, tensors };
  }

  /**
   * Restores a state from `state()`, for the variables of the next updates; the caller keeps its tensors.
   *
   * @throws StateError when a moment is missing or of no known kind; the present state is kept then.
   */
  restore({ step, tensors }: OptimizerState): void {
    if (!Number.isSafeInteger(step) || step < 0) throw new StateError(`an optimizer's state cannot be at step ${step}`);
    const pairs = checkedMoments(tensors);
    this.dispose();
    this.moments.addCopies(pairs);
    this.updates = step;
  }

  /** Frees the moments and starts again at step 0; the parameters are not the optimizer's and stay. */
  dispose(): void {
    this.moments.dispose();
    this.updates = 0;
  }
}

interface Update {
  readonly name: string;
  readonly variable: tf.Variable;
  readonly grad: tf.Tensor;
}

/** Finds every gradient's variable before any of them changes. */
function pair(grads: tf.NamedTensorMap, parameters: ReadonlyMap<string, tf.Variable>): Update[] {
  return Object.entries(grads).map(([name, grad]) => {
    const variable = parameters.get(name);
    if (!variable) throw new ArgumentError(`a gradient is named '${name}', but no parameter is`);
    if (!tf.util.arraysEqual(grad.shape, variable.shape)) {
      throw new ShapeError(`the gradient of '${name}' has shape [${grad.shape}], its parameter [${variable.shape}]`);
    }
    return { name, variable, grad };
  });
}

function checkRange(name: string, value: number, isInRange: boolean): void {
  if (!isInRange || !Number.isFinite(value)) throw new ArgumentError(`${name} ${value} is out of range`);
}
