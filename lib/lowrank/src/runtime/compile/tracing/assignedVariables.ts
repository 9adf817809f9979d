/** The variables that a traced function assigns. */
import { tf } from '../../device/tensorflow';
import { StateError } from '../../errors';
import { sourceLine } from '../tfjsInternals';
import { replaceProperties } from './replaceProperties';

/** Inside the function, a variable has its new value from the assignment on; outside, from the end of each call on. */
export class AssignedVariables {
  private readonly held = new Map<tf.Variable, { readonly before: object; value: tf.Tensor }>();

  /** Sends every assignment here; returns a function that ends this. */
  replaceAssign(): () => void {
    const assigned = this;
    return replaceProperties(tf.Variable.prototype, {
      assign(this: tf.Variable, value: tf.Tensor) {
        assigned.assign(this, value);
      },
    });
  }

  /** The variables and their new values. */
  values(): [tf.Variable, tf.Tensor][] {
    return Array.from(this.held, ([variable, { value }]) => [variable, value]);
  }

  /** Gives the variables back their values from before the function. */
  undo(): void {
    for (const [variable, { before, value }] of this.held) {
      variable.dataId = before;
      value.dispose();
    }
    this.held.clear();
  }

  private assign(variable: tf.Variable, value: tf.Tensor): void {
    if (variable.dtype !== value.dtype || !tf.util.arraysEqual(variable.shape, value.shape)) {
      throw new StateError(
        `'${variable.name}' holds ${variable.dtype} [${variable.shape}] and cannot be assigned ${value.dtype} [${value.shape}] (${sourceLine()})`,
      );
    }
    const held = tf.keep(value.clone()); // keeps the data for as long as the variable points to it
    const earlier = this.held.get(variable);
    if (earlier) earlier.value.dispose();
    this.held.set(variable, { before: earlier?.before ?? variable.dataId, value: held });
    variable.dataId = held.dataId;
  }
}
