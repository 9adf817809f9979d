/** One training run at a time: two runs on the same parameters would interleave, each with an optimizer that ignores the other. */
import { StateError, type tf } from '../../runtime';
import { parametersOf, type TrainableModel } from '../trainableModel';

/** A running training run of this process. */
interface Training {
  readonly trained: ReadonlySet<tf.Variable>;
  /** Everything that its loss may depend on. */
  readonly used: ReadonlySet<tf.Variable>;
}

const trainings = new Set<Training>();

/**
 * Does the work unless another training run changes parameters that this model uses, or uses parameters that this one changes.
 *
 * @throws StateError in that case, or when the model has nothing to train.
 */
export async function oneAtATime<T>(model: TrainableModel, work: () => Promise<T>): Promise<T> {
  const trained = new Set(parametersOf(model).values());
  const training = { trained, used: new Set([...trained, ...Array.from(model.namedParameters?.() ?? [], ([, variable]) => variable)]) };
  for (const other of trainings) {
    if (meet(other.trained, training.used) || meet(training.trained, other.used)) {
      throw new StateError('this model, or one that shares its parameters, is being trained already: wait until that run has ended');
    }
  }
  trainings.add(training);
  try {
    return await work();
  } finally {
    trainings.delete(training);
  }
}

function meet<T>(some: ReadonlySet<T>, others: ReadonlySet<T>): boolean {
  return [...some].some((each) => others.has(each));
}
