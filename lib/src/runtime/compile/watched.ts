/** Which tensors the gradients that are being taken at the moment are taken for; tfjs itself knows it only afterwards. */
import type { tf } from '../tensorflow';
import { engineInternals } from './internals';

class WatchedTensors {
  private stack: (readonly tf.Tensor[])[] = [];
  private isInstalled = false;

  /** Lets tfjs's engine tell, from now on, what each gradient is taken for. */
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
      return gradients.call(engine, watching, xs, dy, allowNoGradients);
    };
  }

  /** Forgets the present ones until the returned function is called. */
  isolate(): () => void {
    const { stack } = this;
    this.stack = [];
    return () => {
      this.stack = stack;
    };
  }

  /** Which of the tensors a gradient now being taken passes through, by what is on the tape so far. */
  reaching(tensors: readonly tf.Tensor[]): boolean[] {
    const { state } = engineInternals();
    if (this.stack.length === 0 || state.gradientDepth === 0 || state.kernelDepth > 0) return tensors.map(() => false);
    const reached = new Set(this.stack.flat().map(({ id }) => id));
    for (const node of state.activeTape ?? []) {
      if (Object.values(node.inputs).some((input) => reached.has(input.id))) for (const output of node.outputs) reached.add(output.id);
    }
    return tensors.map(({ id }) => reached.has(id));
  }
}

export const watchedTensors = new WatchedTensors();
