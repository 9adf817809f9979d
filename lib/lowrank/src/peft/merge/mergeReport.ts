/** The rounding errors of a merge in different number formats. */
import { roundWeight, type WeightDtype } from '../../nn';
import { StateError, tf } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { normalVariable } from '../initialValues';
import { AdapterLayer, type LayerUpdate } from '../layers/adapterLayer';
import { checkAble } from '../methods';
import type { PeftModel } from '../peftModel';

/** The errors of one layer merged into weights of one format; norms are over all values (Frobenius). */
export interface MergeError {
  /** The layer's path, without PEFT's prefix. */
  readonly layer: string;
  readonly dtype: WeightDtype;
  /** `‖M − (W + ΔW)‖ / ‖W + ΔW‖`, M the merged weight after rounding; 0 in float32, in which W + ΔW itself is computed. */
  readonly weightError: number;
  /** `‖M − (W + ΔW)‖ / ‖ΔW‖`: the rounding error relative to the size of the update. */
  readonly updateError: number;
  /** `‖x·M − y‖ / ‖y‖`; y is the unmerged layer's output without its bias. */
  readonly outputError: number;
}

/** The options of a merge report. */
export interface MergeReportOptions {
  /** @defaultValue all except q4_1, which does not support every width */
  readonly dtypes?: readonly WeightDtype[];
  /** Rows of the probe x, drawn from N(0, 1); an embedding is probed with every token. @defaultValue 64 */
  readonly rows?: number;
  /** Random seed of the probe. @defaultValue 0 */
  readonly seed?: number;
}

/**
 * Merges the active adapters into a copy of each layer's weight, rounds it to each format, and compares with the unmerged layer.
 * The model itself does not change.
 *
 * W is the weight on which the adapter was trained: for a quantised base, its dequantised values (huggingface/peft#2105).
 *
 * @throws StateError when adapters are merged; UnsupportedError for adapters that cannot be merged, or a width that a format does not
 * support.
 */
export function mergeReport(model: PeftModel, options: MergeReportOptions = {}): MergeError[] {
  checkKnown('mergeReport', options, ['dtypes', 'rows', 'seed']);
  checkAble(model.peftType, 'merging');
  if (model.mergedAdapters.length > 0) throw new StateError('adapters are merged; call unmergeAdapter() before a report on merging');
  return [...model.model.namedModules()].flatMap(([layer, module]) => {
    if (!(module instanceof AdapterLayer)) return [];
    const updates = model.activeAdapters.flatMap((name) => module.updates.get(name) ?? []);
    return updates.length === 0 ? [] : layerErrors(layer, module, updates, options);
  });
}

const DTYPES: readonly WeightDtype[] = ['float32', 'bfloat16', 'float16', 'int8', 'nf4'];

function layerErrors(
  layer: string,
  adapted: AdapterLayer,
  updates: readonly LayerUpdate[],
  { dtypes = DTYPES, rows = 64, seed = 0 }: MergeReportOptions,
): MergeError[] {
  const isTable = adapted.kind === 'token table';
  const probe = isTable ? undefined : normalVariable([rows, adapted.weightShape[0]], 1, seed);
  const outputs = (weight: tf.Tensor) => (probe ? tf.matMul(probe as tf.Tensor2D, weight as tf.Tensor2D) : weight);
  const errors = dtypes.map((dtype) => {
    const [weightError = 0, updateError = 0, outputError = 0] = numbers(() => {
      const base = adapted.baseWeight().read();
      const delta = adapted.deltaWeight(base, updates);
      const exact = base.add(delta);
      const merged = isTable ? roundWeight(exact, dtype) : roundWeight(exact.transpose(), dtype).transpose();
      const unmerged = outputs(base).add(adapted.deltaOutputs(probe, base, updates));
      const rounding = merged.sub(exact).norm();
      return [rounding.div(exact.norm()), rounding.div(delta.norm()), outputs(merged).sub(unmerged).norm().div(unmerged.norm())];
    });
    return { layer, dtype, weightError, updateError, outputError };
  });
  probe?.dispose();
  return errors;
}

function numbers(compute: () => tf.Tensor[]): number[] {
  const tensors = tf.tidy(compute);
  return tensors.map((tensor) => {
    const [value = Number.NaN] = tensor.dataSync();
    tensor.dispose();
    return value;
  });
}
