import { type LlamaForCausalLM, tf } from 'lowrank';
import { expect } from 'vitest';
import smollm2 from '../../golden/smollm2.json';
import { relativeError } from '../golden';

/** Asserts that the logits after each prompt are those that transformers computed from SmolLM2's own file. */
export function expectLogitsOfTransformers(model: LlamaForCausalLM): void {
  for (const { ids, logits } of smollm2.prompts) {
    tf.tidy(() => {
      const last = model.forward([ids], { logitsToKeep: 1 }).dataSync();
      const kept = logits.map((_, i) => last[smollm2.every * i] ?? Number.NaN); // not all of them are in the golden file
      expect(relativeError(tf.tensor1d(kept), tf.tensor1d(logits))).toBeLessThan(1e-4); // 30 layers, summed in another order
    });
  }
}
