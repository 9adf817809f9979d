/** AdamW: Adam whose weight decay acts on the weights, not on the gradients (Loshchilov & Hutter 2019, algorithm 2). */
import { ArgumentError, compileNested, ShapeError, StateError, tf } from '../../runtime';
import { checkKnown } from '../../runtime/checkKnown';
import { groupsOfOneShape } from '../../runtime/tensorGroups';
import type { Schedule } from './schedules';

/** How an AdamW moves the parameters. */
export interface AdamWOptions {
  /** A number, or one per update, for example from `cosineSchedule`. @defaultValue 0.001 */
  readonly learningRate?: number | Schedule;
  /** λ. @defaultValue 0.01 */
  readonly weightDecay?: number;
  /** β₁ and β₂. @defaultValue [0.9, 0.999] */
  readonly betas?: readonly [number, number];
  /** ε. @defaultValue 1e-8 */
  readonly epsilon?: number;
  /** Whether the parameter of this name decays; often `(name) => !/bias|norm|gate/.test(name)`. @defaultValue every one does */
  readonly decays?: (name: string) => boolean;
}

/** What an optimizer must remember to go on exactly where it was. */
export interface OptimizerState {
  /** Updates made. */
  readonly step: number;
  /** The moments of each parameter, as `first.NAME` and `second.NAME`; the caller disposes them. */
  readonly tensors: tf.NamedTensorMap;
}

interface Moments {
  readonly first: tf.Variable;
  readonly second: tf.Variable;
}

/** How one update goes. */
interface Move {
  /** What {@link AdamW.coefficients} gave for it. */
  readonly coefficients: tf.Tensor1D;
  /** Where it is false nothing changes. Shape (), bool. @defaultValue true */
  readonly isSound?: tf.Tensor;
}

/**
 * The AdamW optimizer, equal to PyTorch's:
 *
 * `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`, `w ← w − η·λ·w − η·m̂/(√v̂ + ε)` with m̂, v̂ the bias-corrected moments.
 *
 * @throws ArgumentError when an option is out of its range.
 */
export class AdamW {
  private readonly schedule: Schedule;
  private readonly weightDecay: number;
  private readonly betas: readonly [number, number];
  private readonly epsilon: number;
  private readonly decays: (name: string) => boolean;
  private readonly moments = new Map<string, Moments>();
  private updates = 0;
  private disposals = 0;

  constructor(options: AdamWOptions = {}) {
    checkKnown('AdamW', options, ['learningRate', 'weightDecay', 'betas', 'epsilon', 'decays']);
    const { learningRate = 1e-3, weightDecay = 0.01, betas = [0.9, 0.999], epsilon = 1e-8, decays = () => true } = options;
    if (typeof learningRate === 'number') checkRange('learningRate', learningRate, learningRate >= 0);
    checkRange('weightDecay', weightDecay, weightDecay >= 0);
    for (const beta of betas) checkRange('beta', beta, beta >= 0 && beta < 1);
    checkRange('epsilon', epsilon, epsilon > 0);
    this.schedule = typeof learningRate === 'number' ? () => learningRate : learningRate;
    this.weightDecay = weightDecay;
    this.betas = betas;
    this.epsilon = epsilon;
    this.decays = decays;
  }

  /** Updates made so far; those whose numbers have not been read are not counted yet. */
  get step(): number {
    return this.updates;
  }

  /** Another number for whoever holds moments that are not these any more, because of {@link restore} or {@link dispose}. */
  get generation(): number {
    return this.disposals;
  }

  /** The learning rate of the next update. */
  get learningRate(): number {
    return this.learningRateAt(this.updates);
  }

  /**
   * The learning rate of the update that comes after so many others.
   *
   * @throws ArgumentError when the schedule gives no finite number from 0 up.
   */
  learningRateAt(updates: number): number {
    const rate = this.schedule(updates);
    if (rate >= 0 && rate < Infinity) return rate;
    throw new ArgumentError(`the schedule gives update ${updates + 1} a learning rate of ${rate}: it has to be a finite number from 0 up`);
  }

  /**
   * Makes one update. A parameter without a gradient stays as it is, and its moments too.
   *
   * `parameters` says which variable each name stands for; without it the names are tfjs's own, as `tf.variableGrads` gives them.
   *
   * Shapes: each gradient as its parameter.
   *
   * @throws ArgumentError when a name is unknown or the learning rate none; ShapeError when a gradient does not fit. Nothing has changed then.
   */
  applyGradients(grads: tf.NamedTensorMap, parameters?: Iterable<readonly [string, tf.Variable]>): void {
    const known = parameters ? new Map(parameters) : new Map(Object.entries(tf.engine().registeredVariables));
    const reached = pair(grads, known).map(({ name, variable }) => [name, variable] as const);
    this.prepare(reached);
    tf.tidy(() => this.move(grads, known, { coefficients: this.coefficients() }));
    this.countStep();
  }

  /** Gives moments to the parameters that have none yet, as {@link move} needs them. */
  prepare(parameters: Iterable<readonly [string, tf.Variable]>): void {
    for (const [name, variable] of parameters) {
      if (this.moments.has(name)) continue;
      const zeros = () => tf.variable(tf.zerosLike(variable), false);
      this.moments.set(
        name,
        tf.tidy(() => ({ first: zeros(), second: zeros() })),
      );
    }
  }

  /**
   * `1 − η·λ`, `η / (1 − β₁ᵗ)` and `√(1 − β₂ᵗ)` of the next update, or of the one after `begun` others that are not counted yet: a tensor,
   * so that a compiled update serves every step. Shape (3).
   */
  coefficients(begun = 0): tf.Tensor1D {
    const t = this.updates + begun + 1;
    const rate = this.learningRateAt(t - 1);
    const [beta1, beta2] = this.betas;
    return tf.tensor1d([1 - rate * this.weightDecay, rate / (1 - beta1 ** t), Math.sqrt(1 - beta2 ** t)]);
  }

  /**
   * The part of an update that is done in tensors: assigns new values to the parameters and to their moments, which are there already.
   *
   * @throws as {@link applyGradients} does.
   */
  move(grads: tf.NamedTensorMap, parameters: ReadonlyMap<string, tf.Variable>, { coefficients, isSound }: Move): void {
    tf.tidy(() => {
      const { betas, epsilon } = this;
      const known = pair(grads, parameters).map((update) => ({
        ...update,
        ...this.momentsOf(update.name),
        decays: this.isDecaying(update.name),
      }));
      for (const group of groupsOfOneShape(known, ({ variable, decays }) => `${variable.shape} ${decays}`)) {
        const tensors = group.map(({ variable: weight, grad, first, second }) => ({ weight, grad, first, second }));
        const moved = moveAll(tensors, { coefficients, isSound, betas, epsilon, decays: group[0]?.decays ?? false });
        for (const [index, { variable, first, second }] of group.entries()) {
          const to = moved[index] as Moved;
          first.assign(to.first);
          second.assign(to.second);
          variable.assign(to.weight);
        }
      }
    });
  }

  /** Goes on to the next update. */
  countStep(): void {
    this.updates++;
  }

  private isDecaying(name: string): boolean {
    return this.weightDecay > 0 && this.decays(name);
  }

  private momentsOf(name: string): Moments {
    const moments = this.moments.get(name);
    if (moments) return moments;
    throw new StateError(`'${name}' has no moments yet: call prepare() before move()`);
  }

  /** A copy of all that the next update depends on, the learning rate's function excepted. */
  state(): OptimizerState {
    const tensors: tf.NamedTensorMap = {};
    for (const [name, { first, second }] of this.moments) {
      tensors[`first.${name}`] = first.clone();
      tensors[`second.${name}`] = second.clone();
    }
    return { step: this.updates, tensors };
  }

  /**
   * Goes back to a state that `state()` gave; the state's tensors stay the caller's.
   *
   * @throws StateError when a moment is missing or of no known kind; the present state is kept then.
   */
  restore({ step, tensors }: OptimizerState): void {
    if (!Number.isSafeInteger(step) || step < 0) throw new StateError(`an optimizer's state cannot be at step ${step}`);
    const pairs = momentPairs(tensors);
    this.dispose();
    for (const [name, { first, second }] of pairs) {
      this.moments.set(name, { first: tf.variable(first, false), second: tf.variable(second, false) });
    }
    this.updates = step;
  }

  /** Frees the moments and starts again at step 0; the parameters are not the optimizer's and stay. */
  dispose(): void {
    for (const { first, second } of this.moments.values()) tf.dispose([first, second]);
    this.moments.clear();
    this.updates = 0;
    this.disposals++;
  }
}

/** What a move begins with, of one parameter. */
type Before = { readonly weight: tf.Tensor; readonly grad: tf.Tensor; readonly first: tf.Tensor; readonly second: tf.Tensor };

/** What it ends with. */
type Moved = Omit<Before, 'grad'>;

/** What the moves of a group of parameters have in common. */
type Rule = {
  readonly coefficients: tf.Tensor1D;
  readonly isSound: tf.Tensor | undefined;
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly decays: boolean;
};

/** Parameters of one shape, one at least. */
const moveAll = compileNested(
  (parameters: readonly Before[], { coefficients, isSound, betas: [beta1, beta2], epsilon, decays }: Rule): Moved[] => {
    const [keep, stepSize, secondScale] = tf.unstack(coefficients) as [tf.Scalar, tf.Scalar, tf.Scalar];
    const [{ weight: like }] = parameters as [Before];
    const everywhere = isSound?.broadcastTo(like.shape); // once: `where` would do so for each of its calls
    const unless = (value: tf.Tensor, before: tf.Tensor) => (everywhere ? tf.where(everywhere, value, before) : value);
    return parameters.map(({ weight, grad, first, second }) => {
      const mean = first.add(grad.sub(first).mul(1 - beta1));
      const square = second.mul(beta2).add(grad.square().mul(1 - beta2));
      const denominator = square.sqrt().div(secondScale).add(epsilon);
      const moved = (decays ? weight.mul(keep) : weight).sub(mean.mul(stepSize).div(denominator));
      return { weight: unless(moved, weight), first: unless(mean, first), second: unless(square, second) };
    });
  },
  { name: 'adamw' },
);

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

function momentPairs(tensors: tf.NamedTensorMap): Map<string, { first: tf.Tensor; second: tf.Tensor }> {
  const pairs = new Map<string, { first: tf.Tensor; second: tf.Tensor }>();
  for (const [key, tensor] of Object.entries(tensors)) {
    const [, kind, name = ''] = /^(first|second)\.(.*)$/s.exec(key) ?? [];
    if (!kind) throw new StateError(`'${key}' is not a moment of AdamW: expected first.NAME or second.NAME`);
    const other = tensors[`${kind === 'first' ? 'second' : 'first'}.${name}`];
    if (!other) throw new StateError(`the state has only the ${kind} moment of '${name}'`);
    if (kind === 'first') pairs.set(name, { first: tensor, second: other });
  }
  return pairs;
}

function checkRange(name: string, value: number, isInRange: boolean): void {
  if (!isInRange || !Number.isFinite(value)) throw new ArgumentError(`${name} ${value} is out of range`);
}
