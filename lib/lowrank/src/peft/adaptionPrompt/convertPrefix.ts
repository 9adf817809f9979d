/** Converts prefix adapters between Hugging Face, the authors' code (OpenGVLab) and lit. */
import { tf } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import type { CausalModel } from '../causalModel';
import { getPeftModel } from '../getPeftModel';
import type { PeftModel } from '../peftModel';
import { AdaptionPromptConfig } from './config';
import { GATE_OF_LAYOUT, type PrefixLayout, type PrefixModelSizes, readLayout, withGate, writeLayout } from './prefixLayouts';

/**
 * The tensors of a prefix in another layout; the caller disposes them.
 *
 * Converting a gate per layer to gates per head, or a gate to its tanh and back (below 1), loses at most the last bit. Any other
 * conversion has no equal in the target layout and is refused.
 *
 * @throws UnsupportedError when the target layout cannot represent the gates; FormatError or ShapeError for tensors of another layout.
 */
export function convertPrefix(
  tensors: tf.NamedTensorMap,
  options: { readonly from: PrefixLayout; readonly to: PrefixLayout } & PrefixModelSizes,
): tf.NamedTensorMap {
  checkKnown('convertPrefix', options, ['from', 'to', 'numHiddenLayers', 'numAttentionHeads', 'adapterLayers']);
  const { from, to, ...sizes } = options;
  return tf.tidy(() => writeLayout(to, withGate(readLayout(from, tensors, sizes), GATE_OF_LAYOUT[to], sizes), sizes));
}

/** The layout and settings of a stored prefix. */
export interface PrefixLoadOptions {
  readonly layout: PrefixLayout;
  /** Number of layers with prompts; required for the OpenGVLab layout, which does not store it. */
  readonly adapterLayers?: number;
  /** @defaultValue 'default' */
  readonly adapterName?: string;
  /** @defaultValue false */
  readonly isTrainable?: boolean;
}

/**
 * Puts a stored prefix on a model, with the gate type of its layout, so nothing is converted.
 *
 * @throws FormatError or ShapeError when the tensors do not form such a prefix for this model.
 */
export function peftModelFromPrefix<M extends CausalModel>(model: M, tensors: tf.NamedTensorMap, options: PrefixLoadOptions): PeftModel<M> {
  checkKnown('peftModelFromPrefix', options, ['layout', 'adapterLayers', 'adapterName', 'isTrainable']);
  const { layout, adapterLayers, adapterName = 'default', isTrainable = false } = options;
  const sizes = { ...model.config, ...(adapterLayers !== undefined && { adapterLayers }) };
  const named = tf.tidy(() => writeLayout('huggingface', readLayout(layout, tensors, sizes), sizes));
  try {
    const prompts = Object.entries(named).filter(([name]) => name.endsWith('adaption_prompt'));
    const config = new AdaptionPromptConfig({
      adapterLen: prompts[0]?.[1].shape[1] ?? 0,
      adapterLayers: prompts.length,
      gate: GATE_OF_LAYOUT[layout],
    });
    const peft = getPeftModel(model, config, { adapterName, isTrainable });
    peft.hotswapAdapter(named, { adapterName });
    return peft;
  } finally {
    tf.dispose(named);
  }
}
