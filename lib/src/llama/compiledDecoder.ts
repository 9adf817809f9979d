/** Decodes in compiled calls, one per token, over a cache of fixed size. */
import { tf } from '../runtime';
import type { Decoder } from './decoder';
import { type Decoded, type DecodingProgram, decodingProgram } from './decodingProgram';
import type { HeldLayer } from './fixedCache';
import type { LlamaForCausalLM } from './llamaForCausalLM';

/** The least length of a prompt and of a cache. Prompts come in multiples of it, caches in doublings: texts of all lengths share a few programs. */
const BUCKET = 64;

/** A model whose layers can be compiled one by one. */
export interface CompilableModel {
  readonly llama: LlamaForCausalLM;
  /** Puts the model into the state in which it is to decode so many rows, runs the function, and puts it back. */
  readonly within: <T>(rows: number, run: () => T) => T;
}

/** What the programs depend on besides the model. */
export interface DecodingOptions {
  readonly maxNewTokens: number;
  readonly precision: 'float32' | 'bfloat16';
}

export class CompiledDecoder implements Decoder {
  /** The program for so many rows. */
  #program?: { readonly rows: number; readonly of: DecodingProgram };
  #held: HeldLayer[] = [];
  /** Where in the cache each row's text begins. */
  #begins: number[] = [];
  /** Where in the cache the next token goes. */
  #place = 0;

  constructor(
    readonly model: CompilableModel,
    readonly options: DecodingOptions,
  ) {}

  prefill(prompts: readonly (readonly number[])[]): tf.Tensor2D {
    const width = BUCKET * Math.ceil(Math.max(...prompts.map(({ length }) => length)) / BUCKET);
    const capacity = 2 ** Math.ceil(Math.log2(width + this.options.maxNewTokens));
    const ids = prompts.map((row) => [...Array<number>(width - row.length).fill(this.model.llama.config.padTokenId ?? 0), ...row]);
    this.#begins = prompts.map(({ length }) => width - length);
    this.#place = width;
    const mask = this.#begins.map((begin) => [...new Int32Array(width).fill(1, begin)]);
    return this.#take(prompts.length, (program) =>
      program.prefill({ ids: tf.tensor2d(ids, undefined, 'int32'), attentionMask: tf.tensor2d(mask, undefined, 'int32') }, capacity),
    );
  }

  step(ids: readonly number[]): tf.Tensor2D {
    const place = this.#place++;
    const column = (values: readonly number[]) => tf.tensor2d([...values], [values.length, 1], 'int32');
    return this.#take(ids.length, (program) =>
      program.step({ ids: column(ids), begins: column(this.#begins), place: tf.scalar(place, 'int32') }, this.#held),
    );
  }

  selectRows(rows: readonly number[]): void {
    this.#begins = rows.map((row) => this.#begins[row] ?? 0);
    this.#replace(
      tf.tidy(() => {
        const chosen = tf.tensor1d([...rows], 'int32');
        return this.#held.map(({ keys, values }) => ({ keys: tf.gather(keys, chosen), values: tf.gather(values, chosen) }));
      }),
    );
  }

  dispose(): void {
    this.#replace([]);
  }

  #take(rows: number, run: (program: DecodingProgram) => Decoded): tf.Tensor2D {
    const { llama, within } = this.model;
    const { logits, held } = within(rows, () => {
      if (this.#program?.rows !== rows) this.#program = { rows, of: decodingProgram(llama, this.options.precision) };
      const { of } = this.#program;
      return tf.tidy(() => run(of));
    });
    this.#replace(held);
    return logits;
  }

  #replace(held: HeldLayer[]): void {
    tf.dispose(this.#held);
    this.#held = held.map((layer) => ({ keys: tf.keep(layer.keys), values: tf.keep(layer.values) }));
  }
}
