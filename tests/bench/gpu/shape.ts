/** A model of the LLaMA-7B shape whose weights both sides make on the device, by one formula. */
import { crc32 } from 'node:zlib';
import { compile, type LlamaConfigOptions, LlamaForCausalLM, tf } from 'lowrank';

export function llama7b(numHiddenLayers: number): LlamaConfigOptions {
  const sizes = { vocabSize: 32_000, hiddenSize: 4096, intermediateSize: 11_008, numAttentionHeads: 32 };
  return { ...sizes, numHiddenLayers, maxPositionEmbeddings: 4096, rmsNormEps: 1e-5 };
}

/** Products of whole numbers below it are exact in float32. */
const P = 4093;

/**
 * Values as evenly spread as `0.02·U(−√3, √3)`: of row o and column i `((a_o·b_i mod P)/P − ½)·√12·0.02`, with a and b from 1 to P − 1.
 *
 * Shapes: → (out, in).
 */
export function formulaWeight(name: string, [rows, columns]: readonly [number, number]): tf.Tensor2D {
  const seed = crc32(name);
  const series = (length: number, step: number, start: number) =>
    tf.tidy(() => {
      const values = Float32Array.from({ length }, (_, n) => 1 + ((n * step + start) % (P - 1)));
      return tf.tensor1d(values);
    });
  return tf.tidy(() => {
    const a = series(rows, 1237, seed % 4001).expandDims(1);
    const b = series(columns, 2741, (seed >>> 12) % 4003).expandDims(0);
    return spread(a, b) as tf.Tensor2D;
  });
}

/** In one operation: the values in between would be most of what a process ever takes of the card. */
const spread = compile(
  (a: tf.Tensor, b: tf.Tensor) =>
    a
      .mul(b) // below 2^24, so exact
      .mod(P)
      .div(P)
      .sub(0.5)
      .mul(Math.sqrt(12) * 0.02),
  { name: 'formula_weight' },
);

/** The model, its matrices kept at 16 bits. */
export function makeModel(numHiddenLayers: number): LlamaForCausalLM {
  const config = llama7b(numHiddenLayers);
  const { hiddenSize: C, intermediateSize: F, vocabSize: V } = config;
  const model = LlamaForCausalLM.fromTensors(
    config,
    (name) => {
      if (name.includes('norm')) return tf.ones([C]);
      const [O, I] = /embed_tokens|lm_head/.test(name) ? [V, C] : /gate|up/.test(name) ? [F, C] : name.includes('down') ? [C, F] : [C, C];
      const values = formulaWeight(name, [O, I]);
      return name.includes('embed_tokens')
        ? values
        : tf.tidy(() => {
            const turned = values.transpose();
            values.dispose();
            return turned;
          });
    },
    { dtype: 'bfloat16' },
  );
  model.freeze();
  return model;
}
