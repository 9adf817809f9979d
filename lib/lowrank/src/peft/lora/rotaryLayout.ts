/** Adapters of q and k between the two ways in which models pair the elements of a head for the rotation. */

import { isRotated, type RotaryLayout, rotaryRows } from '../../llama/rotaryLayout';
import { StateError, tf } from '../../runtime';
import type { PeftModel } from '../peftModel';
import { LoraLinear } from './loraLinear';

/** Which adapter to convert, and how. */
export interface RotaryConversion {
  readonly from: RotaryLayout;
  readonly to: RotaryLayout;
  /** @defaultValue 'default' */
  readonly adapterName?: string;
}

/**
 * Brings an adapter's q and k into the other rotary layout, in place, for example after loading one that was trained on Meta's weights.
 *
 * The rotation acts on outputs, so that the rows of B move, (O, r) in files, and with DoRA the magnitudes; A, v, o and the MLP stay.
 *
 * @throws StateError when there is no such adapter, or it is merged.
 *
 * @example
 * const peft = PeftModel.fromPretrained(model, 'adapters/from-meta');
 * convertRotaryLayout(peft, { from: 'meta', to: 'hf' });
 */
export function convertRotaryLayout(model: PeftModel, { from, to, adapterName = 'default' }: RotaryConversion): void {
  if (!(adapterName in model.peftConfig)) throw new StateError(`there is no adapter '${adapterName}' to convert`);
  if (model.mergedAdapters.length > 0) throw new StateError('adapters are merged; call unmergeAdapter() before converting one');
  if (from === to) return;
  for (const [path, layer] of model.model.namedModules()) {
    if (!(layer instanceof LoraLinear) || !isRotated(path)) continue;
    const update = layer.updates.get(adapterName);
    if (!update) continue;
    const { loraB, magnitude } = update;
    tf.tidy(() => {
      const order = tf.tensor1d(rotaryRows(layer.outFeatures, model.config.headDim, to), 'int32');
      loraB.assign(tf.gather(loraB, order, 1)); // (r, O) here
      magnitude?.assign(tf.gather(magnitude, order));
    });
  }
}
