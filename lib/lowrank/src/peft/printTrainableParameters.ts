/** How much of a model is trained, in PEFT's words. */
import { countParameters, type Module } from '../nn';

/** Prints PEFT's sentence, for example `trainable params: 4,194,304 || all params: 6,742,609,920 || trainable%: 0.0622`. */
export function printTrainableParameters(module: Module): void {
  const { total, trainable } = countParameters(module);
  const share = total === 0 ? 0 : (100 * trainable) / total;
  const grouped = (count: number) => count.toLocaleString('en-US');
  console.log(`trainable params: ${grouped(trainable)} || all params: ${grouped(total)} || trainable%: ${share.toFixed(4)}`);
}
