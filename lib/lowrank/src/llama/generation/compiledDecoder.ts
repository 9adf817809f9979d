/** Decodes with one compiled call per token and a cache of fixed size. */
import { StateError, tf } from '../../runtime';
import { cacheCapacity, paddedLength } from './cacheCapacity';
import type { CompilableModel, Decoder, NextIds, Scores } from './decoder';
import { type DecodingProgram, decodingProgram, type NextToken } from './decodingProgram';
import type { HeldLayer } from './fixedCache';
import { fillerOf, leftMask, longest, padLeft } from './padLeft';
import { worthSharing } from './sharedLength';

/** The inputs of the programs besides the model. */
interface DecodingOptions {
  readonly maxNewTokens: number;
  readonly precision: 'float32' | 'bfloat16';
}

/** The positions of the rows, on the device, so that a step needs no data from the host. */
type Position = Pick<NextToken, 'begins' | 'shared' | 'place'>;

type Rows = readonly (readonly number[])[];

/** The state of a decoder between two steps. */
type State = { readonly held: HeldLayer[]; readonly position: Position };

export class CompiledDecoder implements Decoder {
  #program?: { readonly rows: number; readonly of: DecodingProgram };
  #held: HeldLayer[] = [];
  #position?: Position;

  constructor(
    readonly model: CompilableModel,
    readonly options: DecodingOptions,
  ) {}

  prefill(prompts: readonly (readonly number[])[]): Scores {
    const shared = this.model.areRowsMixed ? 0 : worthSharing(prompts);
    const [first = []] = prompts;
    if (shared > 0) tf.dispose(this.#read([first.slice(0, shared)], { past: 0, width: shared, capacity: shared }));
    const rest = prompts.map((row) => row.slice(shared));
    const width = paddedLength(longest(rest));
    return this.#read(rest, { past: shared, width, capacity: cacheCapacity(shared + width, this.options.maxNewTokens) });
  }

  /** Reads rows padded to `width`, after the `past` tokens that are held. */
  #read(rows: Rows, { past, width, capacity }: { readonly past: number; readonly width: number; readonly capacity: number }): Scores {
    const ids = padLeft(rows, fillerOf(this.model.llama.config), width);
    const mask = leftMask(rows, width).map((row) => [...Array<number>(past).fill(1), ...row]);
    const begins = rows.map(({ length }) => past + width - length);
    const prompt = () => ({ ids: tf.tensor2d(ids, undefined, 'int32'), attentionMask: tf.tensor2d(mask, undefined, 'int32') });
    return this.#run(rows.length, (program) => ({
      ...program.prefill(prompt(), capacity, past > 0 ? this.#held : []),
      position: { begins: column(begins), shared: tf.scalar(past), place: tf.scalar(past + width) },
    }));
  }

  step(ids: NextIds): Scores {
    const position = this.#position;
    if (!position) throw new StateError('there is no text to continue: call prefill() first');
    const { begins, shared, place } = position;
    return this.#run(begins.shape[0], (program) => {
      const { next, ...decoded } = program.step({ ids: column(ids), begins, shared, place }, this.#held);
      return { ...decoded, position: { begins: begins.clone(), shared: shared.clone(), place: next } };
    });
  }

  selectRows(rows: readonly number[]): void {
    const position = this.#position;
    if (!position) throw new StateError('there are no rows to choose from: call prefill() first');
    this.#replace(
      tf.tidy(() => {
        const chosen = tf.tensor1d([...rows], 'int32');
        const held = this.#held.map(({ keys, values }) => ({ keys: tf.gather(keys, chosen), values: tf.gather(values, chosen) }));
        return {
          held,
          position: { begins: tf.gather(position.begins, chosen), shared: position.shared.clone(), place: position.place.clone() },
        };
      }),
    );
  }

  dispose(): void {
    tf.dispose([this.#held, this.#position ?? []]);
    this.#held = [];
    this.#position = undefined;
  }

  #run(rows: number, run: (program: DecodingProgram) => State & { readonly scores: Scores }): Scores {
    const { llama, within } = this.model;
    const { scores, ...state } = within(rows, () => {
      if (this.#program?.rows !== rows) this.#program = { rows, of: decodingProgram(llama, this.options.precision) };
      const { of } = this.#program;
      return tf.tidy(() => run(of));
    });
    this.#replace(state);
    return scores;
  }

  #replace({ held, position }: State): void {
    this.dispose();
    this.#held = held.map(({ keys, values }) => ({ keys: tf.keep(keys), values: tf.keep(values) }));
    const { begins, shared, place } = position;
    this.#position = { begins: tf.keep(begins), shared: tf.keep(shared), place: tf.keep(place) };
  }
}

/** Shapes: (B) → (B, 1). */
function column(values: NextIds): tf.Tensor2D {
  return values instanceof tf.Tensor ? values.reshape([-1, 1]) : tf.tensor2d([...values], [values.length, 1]);
}
