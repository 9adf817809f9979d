/** Decodes operation by operation, with a growing cache. */
import { tf } from '../../runtime';
import type { TokenRows } from '../checkInputs';
import { type Decoder, type GeneratingModel, type NextIds, type Scores, scoresOf } from './decoder';
import { KeyValueCache } from './growingCache';
import { fillerOf, leftMask, padLeft } from './padLeft';

export class GrowingDecoder implements Decoder {
  readonly #cache: KeyValueCache;
  #attentionMask?: readonly (readonly number[])[];

  constructor(readonly model: GeneratingModel) {
    this.#cache = new KeyValueCache(model.config.numHiddenLayers);
    this.#cache.isPlanned = true; // `generate` has checked the whole text
  }

  prefill(prompts: readonly (readonly number[])[]): Scores {
    const isRagged = prompts.some((row) => row.length !== prompts[0]?.length);
    this.#attentionMask = isRagged ? leftMask(prompts) : undefined;
    return this.#lastScores(padLeft(prompts, fillerOf(this.model.config)));
  }

  step(ids: NextIds): Scores {
    this.#attentionMask = this.#attentionMask?.map((row) => [...row, 1]);
    const numbers = ids instanceof tf.Tensor ? Array.from(ids.dataSync()) : ids;
    return this.#lastScores(numbers.map((id) => [id]));
  }

  selectRows(rows: readonly number[]): void {
    this.#cache.selectRows(rows);
    this.#attentionMask = this.#attentionMask && rows.map((row) => this.#attentionMask?.[row] ?? []);
  }

  dispose(): void {
    this.#cache.dispose();
  }

  #lastScores(ids: TokenRows): Scores {
    const options = { attentionMask: this.#attentionMask, cache: this.#cache, logitsToKeep: 1 };
    return tf.tidy(() => scoresOf(this.model.forward(ids, options).squeeze([1])));
  }
}
