/** The parts that an adapter trains besides its updates of layers: whole modules, or token rows. */
import type { AdapterTensor, ExpectedTensor, Merging } from '../tuner';

/** The part of a tuner that wraps one kind of module. Only rows of tokens are merged: a copy of a module stays in its place. */
export interface TunerPart<C> extends Partial<Merging> {
  /** Adds the modules or rows that the configuration names, untrained. */
  add(name: string, config: C): void;
  /** Removes an adapter, and each wrapper that it leaves empty. */
  remove(name: string): void;
  /** @throws ArgumentError when two of these adapters change the same module: only one can be active. */
  checkTogether(names: readonly string[]): void;
  /** Makes exactly these adapters trainable. */
  train(names: readonly string[]): void;
  /** The tensors of an adapter in its file, by PEFT's names. */
  tensors(name: string): Iterable<[string, AdapterTensor]>;
  /** The tensors in the file of an adapter with this configuration. */
  expectedTensors(config: C): Iterable<[string, ExpectedTensor]>;
  /** Removes the wrappers; merged values, and with `keepsMerged` the active copies, stay in the model. */
  unload(keepsMerged: boolean): void;
}
