/** Tracks the tensors that the running gradients are taken with respect to; tfjs itself knows them only afterwards. */
import type { tf } from '../../device/tensorflow';
import { engineInternals, isRecording } from '../tfjsInternals';

class GradientSources {
  private stack: (readonly tf.Tensor[])[] = [];
  private base: ReadonlySet<number> = new Set();
  private isInstalled = false;

  /** Makes tfjs's engine report, from now on, the sources of each gradient. */
  install(): void {
    if (this.isInstalled) return;
    this.isInstalled = true;
    const engine = engineInternals();
    const { gradients } = engine;
    engine.gradients = (f, xs, dy, allowNoGradients) => {
      const watching = () => {
        this.stack.push(xs);
        try {
          return f();
        } finally {
          this.stack.pop();
        }
      };
      try {
        return gradients.call(engine, watching, xs, dy, allowNoGradients);
      } catch (error) {
        this.clearTape(); // tfjs keeps it, and everything in it
        throw error;
      }
    };
  }

  private clearTape(): void {
    const { state } = engineInternals();
    if (state.gradientDepth > 0) return;
    for (const { saved } of state.activeTape ?? []) for (const tensor of saved) tensor.dispose();
    state.activeTape = null;
  }

  /** Watches the tensors with these ids in place of the present ones until the returned function is called; the set may grow. */
  replace(ids: ReadonlySet<number>): () => void {
    const { stack, base } = this;
    this.stack = [];
    this.base = ids;
    return () => Object.assign(this, { stack, base });
  }

  /** The ids of the tensors that a running gradient passes through, according to the tape so far. */
  reached(): ReadonlySet<number> {
    const { state } = engineInternals();
    if (!isRecording()) return new Set();
    const reached = new Set([...this.base, ...this.stack.flat().map(({ id }) => id)]);
    for (const node of state.activeTape ?? []) {
      if (Object.values(node.inputs).some((input) => reached.has(input.id))) for (const output of node.outputs) reached.add(output.id);
    }
    return reached;
  }
}

export const gradientSources = new GradientSources();
