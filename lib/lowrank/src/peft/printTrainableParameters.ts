/** How much of a model is trained, in PEFT's words. */
import { countParameters, type Module } from '../nn';

/** PEFT's sentence, for example `trainable params: 4,194,304 || all params: 6,742,609,920 || trainable%: 0.0622`. */
export function trainableParametersText(module: Module): string {
  const { total, trainable } = countParameters(module);
  const share = total === 0 ? 0 : (100 * trainable) / total;
  const grouped = (count: number) => count.toLocaleString('en-US');
  return `trainable params: ${grouped(trainable)} || all params: ${grouped(total)} || trainable%: ${share.toFixed(4)}`;
}

/** Prints how much of a model is trained, in PEFT's words. */
export function printTrainableParameters(module: Module): void {
  console.log(trainableParametersText(module));
}
