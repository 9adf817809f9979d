/** The moments of AdamW, stacked: an update takes and returns two tensors for up to sixteen parameters. */
import { StateError, tf } from '../../runtime';
import { groupsToStack } from '../../runtime/tensorGroups';

/** The moments of parameters of one shape. */
interface MomentGroup {
  readonly names: readonly string[];
  readonly decays: boolean;
  /** Row i is of the parameter `names[i]`. Shape (n, ...shape). */
  readonly first: tf.Variable;
  /** Shape (n, ...shape). */
  readonly second: tf.Variable;
}

/** Both moments of one parameter. */
export interface MomentPair {
  readonly first: tf.Tensor;
  readonly second: tf.Tensor;
}

/** The group and the row of each parameter. */
export class StackedMoments {
  private readonly places = new Map<string, { readonly group: MomentGroup; readonly row: number }>();
  /** The parameter of each name; restored moments have none before {@link bind}. */
  private readonly owners = new Map<string, tf.Tensor>();

  /** `decays` says whether the parameter of this name decays: those of a group do, or do not. */
  constructor(private readonly decays: (name: string) => boolean) {}

  /** The groups with a parameter of these names. */
  groupsOf(names: Iterable<string>): MomentGroup[] {
    return [...new Set(Array.from(names, (name) => this.placeOf(name).group))];
  }

  /**
   * Adds moments of zero for the parameters that have none, and keeps whose they are from now on.
   *
   * @throws StateError when the moments of a name are those of another parameter; nothing is changed then.
   */
  bind(parameters: readonly (readonly [string, tf.Tensor])[]): void {
    const alien = parameters.find((parameter) => !this.isOwn(parameter));
    if (alien) {
      throw new StateError(
        `the optimizer's moments of '${alien[0]}' belong to another variable, of another model or of an adapter that is gone: call its dispose() first, or take a new optimizer`,
      );
    }
    for (const [name, parameter] of parameters) this.owners.set(name, parameter);
    const missing = parameters.filter(([name]) => !this.places.has(name));
    this.add(missing, (tensors) => {
      const zeros = () => tf.zeros([tensors.length, ...(tensors[0]?.shape ?? [])]);
      return { first: zeros(), second: zeros() };
    });
  }

  /** Whether no moments of these names are those of other parameters. */
  areOf(parameters: readonly (readonly [string, tf.Tensor])[]): boolean {
    return parameters.every((parameter) => this.isOwn(parameter));
  }

  addCopies(pairs: ReadonlyMap<string, MomentPair>): void {
    const firsts = Array.from(pairs, ([name, { first }]) => [name, first] as const);
    this.add(firsts, (_, names) => {
      const stacked = (moment: keyof MomentPair) => tf.stack(names.flatMap((name) => pairs.get(name)?.[moment] ?? []));
      return { first: stacked('first'), second: stacked('second') };
    });
  }

  /** A copy of the moments of each parameter, in the order in which they were added. */
  copies(): [string, MomentPair][] {
    const rows = new Map<MomentGroup, { readonly first: tf.Tensor[]; readonly second: tf.Tensor[] }>();
    return Array.from(this.places, ([name, { group, row }]) => {
      const { first, second } = rows.get(group) ?? { first: tf.unstack(group.first), second: tf.unstack(group.second) };
      rows.set(group, { first, second });
      return [name, { first: first[row] as tf.Tensor, second: second[row] as tf.Tensor }];
    });
  }

  dispose(): void {
    for (const { first, second } of this.groupsOf(this.places.keys())) tf.dispose([first, second]);
    this.places.clear();
    this.owners.clear();
  }

  private isOwn([name, parameter]: readonly [string, tf.Tensor]): boolean {
    const place = this.places.get(name);
    const isOwner = (this.owners.get(name) ?? parameter) === parameter;
    return !place || (isOwner && tf.util.arraysEqual(place.group.first.shape.slice(1), parameter.shape));
  }

  private placeOf(name: string) {
    const place = this.places.get(name);
    if (place) return place;
    throw new StateError(`'${name}' has no moments yet: call prepare() before updated()`);
  }

  private add(
    parameters: readonly (readonly [string, tf.Tensor])[],
    valuesOf: (tensors: readonly tf.Tensor[], names: readonly string[]) => MomentPair,
  ): void {
    const keyOf = ([name, { shape }]: readonly [string, tf.Tensor]) => `${shape} ${this.decays(name)}`;
    const groups = groupsToStack(parameters, keyOf, ([, tensor]) => tensor);
    for (const members of groups) {
      const names = members.map(([name]) => name);
      const group = tf.tidy(() => {
        const { first, second } = valuesOf(
          members.map(([, tensor]) => tensor),
          names,
        );
        return { names, decays: this.decays(names[0] ?? ''), first: tf.variable(first, false), second: tf.variable(second, false) };
      });
      for (const [row, name] of names.entries()) this.places.set(name, { group, row });
    }
  }
}
