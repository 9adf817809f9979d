/** Decodes with one compiled call per token and a cache of fixed size. */
import { StateError, tf } from '../../runtime';
import { cacheCapacity, paddedLength } from './cacheCapacity';
import type { CompilableModel, Decoder, NextIds, Scores } from './decoder';
import { type DecodingProgram, decodingProgram, type NextToken } from './decodingProgram';
import type { HeldLayer } from './fixedCache';
import { fillerOf, leftMask, padLeft } from './padLeft';

/** The inputs of the programs besides the model. */
interface DecodingOptions {
  readonly maxNewTokens: number;
  readonly precision: 'float32' | 'bfloat16';
}

/** The positions of the rows, on the device, so that a step needs no data from the host. */
type Position = Pick<NextToken, 'begins' | 'place'>;

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
    const longest = Math.max(...prompts.map(({ length }) => length));
    const width = paddedLength(longest);
    const capacity = cacheCapacity(longest, this.options.maxNewTokens);
    const ids = padLeft(prompts, fillerOf(this.model.llama.config), width);
    const begins = prompts.map(({ length }) => width - length);
    const mask = leftMask(prompts, width);
    return this.#run(prompts.length, (program) => ({
      ...program.prefill({ ids: tf.tensor2d(ids, undefined, 'int32'), attentionMask: tf.tensor2d(mask, undefined, 'int32') }, capacity),
      position: { begins: column(begins), place: tf.scalar(width) },
    }));
  }

  step(ids: NextIds): Scores {
    const position = this.#position;
    if (!position) throw new StateError('there is no text to continue: call prefill() first');
    const { begins, place } = position;
    return this.#run(begins.shape[0], (program) => {
      const { next, ...decoded } = program.step({ ids: column(ids), begins, place }, this.#held);
      return { ...decoded, position: { begins: begins.clone(), place: next } };
    });
  }

  selectRows(rows: readonly number[]): void {
    const position = this.#position;
    if (!position) throw new StateError('there are no rows to choose from: call prefill() first');
    this.#replace(
      tf.tidy(() => {
        const chosen = tf.tensor1d([...rows], 'int32');
        const held = this.#held.map(({ keys, values }) => ({ keys: tf.gather(keys, chosen), values: tf.gather(values, chosen) }));
        return { held, position: { begins: tf.gather(position.begins, chosen), place: position.place.clone() } };
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
    this.#position = { begins: tf.keep(position.begins), place: tf.keep(position.place) };
  }
}

/** Shapes: (B) → (B, 1). */
function column(values: NextIds): tf.Tensor2D {
  return values instanceof tf.Tensor ? values.reshape([-1, 1]) : tf.tensor2d([...values], [values.length, 1]);
}
