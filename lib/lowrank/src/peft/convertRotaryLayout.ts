/** Converts adapters of q and k between the two rotary layouts, which pair the elements of a head differently. */

import { isRotated, type RotaryLayout, rotaryRows } from '../llama/rotaryLayout';
import { StateError, tf, UnsupportedError } from '../runtime';
import { checkKnown } from '../runtime/checks/checkKnown';
import { checkOneOf } from '../runtime/checks/checkValues';
import { AdapterLayer } from './layers/adapterLayer';
import type { PeftModel } from './peftModel';

const LAYOUTS: readonly RotaryLayout[] = ['hf', 'meta'];

/** The adapter to convert, and the layouts. */
export interface RotaryConversion {
  readonly from: RotaryLayout;
  readonly to: RotaryLayout;
  /** @defaultValue 'default' */
  readonly adapterName?: string;
}

/**
 * Converts an adapter's q and k to the other rotary layout, in place, for example after loading an adapter for Meta's weights.
 *
 * The rotation acts on outputs, so the values of each output move: for LoRA the rows of B, (O, r) in files, and for DoRA the magnitudes. A,
 * v, o and the MLP do not change, nor does a prefix, whose keys are not rotated.
 *
 * @throws ArgumentError for another layout or option; StateError when there is no such adapter, or it is merged; UnsupportedError when the
 * method's parameters cannot be reordered, or the adapter trains q or k whole or their biases.
 *
 * @example
 * const peft = await PeftModel.fromPretrained(model, 'adapters/from-meta');
 * convertRotaryLayout(peft, { from: 'meta', to: 'hf' });
 */
export function convertRotaryLayout(model: PeftModel, conversion: RotaryConversion): void {
  checkKnown('convertRotaryLayout', conversion, ['from', 'to', 'adapterName']);
  const { from, to, adapterName = 'default' } = conversion;
  checkOneOf('from', from, LAYOUTS);
  checkOneOf('to', to, LAYOUTS);
  if (!(adapterName in model.peftConfig)) throw new StateError(`there is no adapter '${adapterName}' to convert`);
  if (model.mergedAdapters.length > 0) throw new StateError('adapters are merged; call unmergeAdapter() before converting one');
  if (from === to) return;
  const whole = [...model.adapterTensors(adapterName).keys()].find((name) => /\.[qk]_proj(\.base_layer)?\.(weight|bias)$/.test(name));
  if (whole !== undefined)
    throw new UnsupportedError(`'${adapterName}' trains '${whole}' itself; only updates of q and k can be converted`);
  for (const [path, layer] of model.model.namedModules()) {
    if (!(layer instanceof AdapterLayer) || !isRotated(path) || !layer.updates.has(adapterName)) continue;
    const [, outFeatures] = layer.weightShape;
    tf.tidy(() => layer.reorderOutputs(adapterName, tf.tensor1d(rotaryRows(outFeatures, model.config.headDim, to), 'int32')));
  }
}
