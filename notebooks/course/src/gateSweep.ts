/** The attention and output of a layer at each value of a prefix's gate. */
import { type CausalSelfAttention, type LlamaForCausalLM, tf, type ZeroInitPrefixAttention } from 'lowrank';
import { norm } from './measures';
import type { SourcePrefixAttention } from './sourcePrefixAttention';

/** A layer of a model that reads one text. */
export interface ReadLayer {
  readonly model: LlamaForCausalLM;
  /** The tokens of the text. */
  readonly ids: readonly number[];
  readonly layer: number;
}

/** The effect of the gate in one form of prefix attention. */
export interface GateSweep {
  /** Distance of the model's logits from the base's, ‖logits − base‖ / ‖base‖, at gates from −1 to 1 in steps of 0.1. */
  readonly points: readonly { readonly gate: number; readonly distance: number }[];
  /** The attention of the last token when the gate is 1: the prompt vectors, then the tokens. */
  readonly row: readonly number[];
}

/** The attention of the text's last token in each head of the layer. */
function lastRows({ model, ids, layer }: ReadLayer): number[][] {
  const maps = model.attentions([[...ids]]); // each (1, H, T, T), or (1, H, T, P + T)
  const rows = tf.tidy(() =>
    maps[layer]
      ?.slice([0, 0, ids.length - 1, 0], [1, -1, 1, -1])
      .squeeze([0, 2])
      .arraySync(),
  );
  tf.dispose(maps);
  return (rows ?? []) as number[][];
}

/** The head in which the last token spreads its attention most: its largest weight is the smallest. */
export function mostSpreadHead(read: ReadLayer): number {
  const peaks = lastRows(read).map((row) => Math.max(...row));
  return peaks.indexOf(Math.min(...peaks));
}

/** Tries the gates of a prefix attention in place of the layer's own attention, which it then restores. */
export function gateSweep(read: ReadLayer, prefix: ZeroInitPrefixAttention | SourcePrefixAttention, head: number): GateSweep {
  const { model, ids, layer } = read;
  const path = `model.layers.${layer}.self_attn`;
  const own = prefix.baseLayer as CausalSelfAttention;
  return tf.tidy(() => {
    const base = model.forward([[...ids]]);
    model.replaceModule(path, prefix);
    try {
      const points = Array.from({ length: 21 }, (_, i) => (i - 10) / 10).map((gate) => {
        prefix.adaptionGate.assign(tf.fill(prefix.adaptionGate.shape, gate));
        const distance = tf.tidy(() => norm(model.forward([[...ids]]).sub(base)) / norm(base));
        return { gate, distance };
      });
      return { points, row: lastRows(read)[head] ?? [] };
    } finally {
      model.replaceModule(path, own);
    }
  });
}
