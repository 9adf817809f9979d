import { AdamW, type PeftModel, tf } from 'lowrank';
import { IDS, LABELS } from './tinyModel';

/** Ten AdamW steps on one batch: the losses, what was trained, and every parameter as it was before. */
export function tenSteps(peft: PeftModel, learningRate: number) {
  peft.loss(IDS, LABELS).dispose(); // an evaluation before training must leave nothing behind
  const optimizer = new AdamW({ learningRate, weightDecay: 0.01 });
  const parameters = peft.trainableParameters();
  const before = new Map(Array.from(peft.namedParameters(), ([key, variable]) => [key, variable.dataSync().slice()]));
  const losses: number[] = [];
  for (let step = 0; step < 10; step++) {
    const { value, grads } = tf.variableGrads(() => peft.loss(IDS, LABELS), [...parameters.values()]);
    losses.push(value.dataSync()[0] ?? Number.NaN);
    optimizer.applyGradients(grads);
    tf.dispose(grads);
  }
  return { losses, parameters, before };
}
