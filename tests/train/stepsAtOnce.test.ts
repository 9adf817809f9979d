import fs from 'node:fs';
import nodePath from 'node:path';
import { AdamW, type Batch, loadCheckpoint, makeBatches, NotFiniteError, type StepRecord, TrainingAbortedError, tf, train } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../io/temporaryFolder';
import { noTensorLeft } from '../noTensorLeft';
import { BigramModel, countingExamples } from './bigramModel';
import { BAD, fingerprint, heldOut, smallModel, smallRun, spoilt, steps } from './smallRun';

const folder = temporaryFolder();
noTensorLeft();

/** Neither is a multiple of the other, nor of the 4 updates at once: the groups end at 4, 5, 7, 10 and 12. */
const plan = { evaluation: { batches: heldOut, everySteps: 7, keepBest: true }, savedEvery: 5 };
const inDirectory = (directory: string) => ({
  evaluation: plan.evaluation,
  checkpoint: { directory, everySteps: plan.savedEvery, keep: 100 },
});

/** Everything that is saved in a directory, but how fast it went. */
function saved(directory: string): [string, string][] {
  const files = fs.readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  const contents = files.filter((name) => /safetensors|state/.test(name));
  return contents.map((name) => {
    const text = fs.readFileSync(nodePath.join(directory, name)).toString('latin1');
    return [name, text.replace(/"tokensPerSecond":[^,}]+/g, '')];
  });
}

/** The step that the newest checkpoint was saved at. */
function savedStep(directory: string): number | undefined {
  const checkpoint = loadCheckpoint(directory);
  tf.dispose(Object.values(checkpoint?.tensors ?? {}));
  return checkpoint?.step;
}

/** The run in which the updates come one by one and nothing happens, made once. */
const undisturbed = (() => {
  let made: Promise<{ readonly directory: string; readonly fingerprint: string }> | undefined;
  const run = async () => {
    const model = smallModel('lora');
    const directory = folder('undisturbed');
    const result = await smallRun(model, { ...inDirectory(directory), stepsAtOnce: 1 });
    const found = { directory, fingerprint: fingerprint(model, result) };
    model.dispose();
    return found;
  };
  return () => {
    made ??= run();
    return made;
  };
})();

test.each([2, 4, 100])('with dropout, %d updates at once have the weights, the history and every checkpoint of one by one', async (n) => {
  const model = smallModel('lora');
  const directory = folder(`${n}-at-once`);
  const result = await smallRun(model, { ...inDirectory(directory), stepsAtOnce: n });
  const singly = await undisturbed();
  expect(fingerprint(model, result)).toBe(singly.fingerprint);
  expect(result.evaluations.map(({ step }) => step)).toEqual([0, 7, 12]);
  expect([5, 10, 12].map((step, i) => fs.existsSync(nodePath.join(directory, `checkpoint-${i + 1}-step-${step}`)))).not.toContain(false);
  expect(saved(directory)).toEqual(saved(singly.directory));
  model.dispose();
});

describe('an abort', () => {
  test.each([
    [[2], [4]],
    [[6], [7]],
    [
      [1, 5, 9],
      [4, 5, 10], // a resumed run's groups begin where it does
    ],
  ])(
    'at the telling of steps %j lets their groups end, at %j, and the resumed run ends bit for bit as if it had run through',
    async (aborts, ends) => {
      const directory = folder(`aborted-at-${aborts}`);
      for (const [i, at] of aborts.entries()) {
        const model = smallModel('lora');
        const stop = new AbortController();
        const told: number[] = [];
        const onStep = ({ step }: StepRecord) => {
          told.push(step);
          if (step === at) stop.abort();
        };
        const run = smallRun(model, { ...inDirectory(directory), stepsAtOnce: 4, signal: stop.signal, onStep });
        const error = await run.catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(TrainingAbortedError);
        const { history } = (error as TrainingAbortedError).result;
        expect([history.length, told.at(-1), savedStep(directory)]).toEqual([ends[i], ends[i], ends[i]]);
        model.dispose();
      }
      const model = smallModel('lora');
      const result = await smallRun(model, { ...inDirectory(directory), stepsAtOnce: 4 });
      expect(fingerprint(model, result)).toBe((await undisturbed()).fingerprint);
      model.dispose();
    },
  );

  test('while a group is being begun leaves it at the updates that it has', async () => {
    const model = new BigramModel();
    const stop = new AbortController();
    const source = function* () {
      for (const [i, batch] of makeBatches(countingExamples(24), { batchSize: 4, padTokenId: 0 }).entries()) {
        if (i === 1) stop.abort();
        yield batch;
      }
    };
    await expect(train(model, source, { stepsAtOnce: 4, signal: stop.signal })).rejects.toThrow(/stopped after step 2;/);
    model.dispose();
  });
});

describe('an error that onStep throws within a group', () => {
  const failingAt = (step: number, told: number[] = []) => {
    return (record: StepRecord) => {
      told.push(record.step);
      if (record.step === step) throw new RangeError(`not at step ${step}`);
    };
  };

  test('leaves weights, moments, dropout, step count and log at the end of the group, and no checkpoint of it', async () => {
    const batches = makeBatches(countingExamples(24, { length: 16 }), { batchSize: 4, padTokenId: 0 });
    const run = async (name: string, options: Parameters<typeof train>[2]) => {
      const model = smallModel('lora');
      const optimizer = new AdamW({ learningRate: 0.1 });
      const log = folder(`${name}.jsonl`);
      await train(model, batches, { ...options, optimizer, log, checkpoint: { directory: folder(name), everySteps: 100 } }).catch(
        (error: unknown) => expect(error).toEqual(new RangeError('not at step 2')),
      );
      const values = Array.from(model.trainableParameters(), ([key, variable]) => [key, [...variable.dataSync()]]);
      const { step, tensors } = optimizer.state();
      const moments = Object.entries(tensors).map(([key, tensor]) => [key, [...tensor.dataSync()]]);
      const logged = fs.readFileSync(log, 'utf8').matchAll(/"step":(\d+)/g);
      const state = { values, moments, step, dropoutStep: model.dropoutStep, logged: Array.from(logged, ([, at]) => Number(at)) };
      tf.dispose(tensors);
      optimizer.dispose();
      model.dispose();
      return state;
    };
    const told: number[] = [];
    const failed = await run('failed', { stepsAtOnce: 4, onStep: failingAt(2, told) });
    expect(told).toEqual([1, 2]);
    expect([failed.step, failed.dropoutStep, failed.logged]).toEqual([4, 4, [1, 2, 3, 4]]);
    expect(failed).toEqual(await run('four-steps', { steps: 4 }));
    expect(savedStep(folder('failed'))).toBeUndefined();
  });

  test.each(['the same model', 'another model'])('lets %s go on from the checkpoint before it, bit for bit', async (which) => {
    const directory = folder(`thrown, ${which}`);
    const log = folder(`thrown, ${which}.jsonl`);
    const options = { ...inDirectory(directory), log, stepsAtOnce: 4 };
    const failed = smallModel('lora');
    await expect(smallRun(failed, { ...options, onStep: failingAt(9) })).rejects.toThrow('not at step 9');
    expect(savedStep(directory)).toBe(5);
    const model = which === 'the same model' ? failed : smallModel('lora');
    const result = await smallRun(model, options);
    expect(fingerprint(model, result)).toBe((await undisturbed()).fingerprint);
    const logged = fs.readFileSync(log, 'utf8').matchAll(/"type":"step","step":(\d+)/g);
    expect(Array.from(logged, ([, step]) => Number(step))).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
    for (const each of new Set([failed, model])) each.dispose();
  });
});

describe.each([
  { stepsAtOnce: 1, gradientAccumulation: 1 },
  { stepsAtOnce: 4, gradientAccumulation: 1 },
  { stepsAtOnce: 4, gradientAccumulation: 2 },
])('a loss that is not finite, $stepsAtOnce at once of $gradientAccumulation batches', ({ stepsAtOnce, gradientAccumulation }) => {
  const batch = (token: number): Batch => {
    const ids = Array.from({ length: 16 }, (_, t) => (token + 5 * t) % 20);
    return { inputIds: [ids], labels: [ids] };
  };
  const sound = Array.from({ length: 5 * gradientAccumulation }, (_, i) => batch(3 * i));
  const firstTwo = sound.slice(0, 2 * gradientAccumulation);
  const bad = { inputIds: [new Array<number>(16).fill(BAD)], labels: [new Array<number>(16).fill(BAD)] };

  test('leaves dropout where the last sound update left it, so that a run goes on from there as if the rest had not been', async () => {
    const model = spoilt(smallModel('lora'));
    const optimizer = new AdamW({ learningRate: 0.05 });
    const options = { optimizer, gradientAccumulation, stepsAtOnce };
    const told: number[] = [];
    const onStep = ({ step }: StepRecord) => void told.push(step);
    const spoiltData = [...firstTwo, ...sound.slice(0, gradientAccumulation - 1), bad, ...sound];
    await expect(train(model, spoiltData, { ...options, onStep })).rejects.toThrow(NotFiniteError);
    expect([told, optimizer.step, model.dropoutStep]).toEqual([[1, 2], 2, 2 * gradientAccumulation]);
    const rest = await train(model, sound.slice(firstTwo.length), options);

    const same = spoilt(smallModel('lora'));
    const another = new AdamW({ learningRate: 0.05 });
    const whole = await train(same, sound, { ...options, optimizer: another });
    expect(rest.history.map(({ loss }) => loss)).toEqual(whole.history.slice(2).map(({ loss }) => loss));
    for (const [name, variable] of model.trainableParameters()) {
      expect([...variable.dataSync()]).toEqual([...(same.trainableParameters().get(name)?.dataSync() ?? [])]);
    }
    expect(model.dropoutStep).toBe(5 * gradientAccumulation);
    for (const each of [optimizer, another, model, same]) each.dispose();
  });
});

test('patience ends a run at the same evaluation, with the same weights, as one by one', async () => {
  const examples = makeBatches(countingExamples(24), { batchSize: 4, padTokenId: 0, seed: 1 });
  const unseen = makeBatches(countingExamples(8, { seed: 9 }), { batchSize: 4, padTokenId: 0 });
  const run = async (stepsAtOnce: number) => {
    const model = new BigramModel();
    const optimizer = new AdamW({ learningRate: 1, weightDecay: 0 }); // far too high: it soon gets worse
    const told: number[] = [];
    const onStep = ({ step }: StepRecord) => void told.push(step);
    const evaluation = { batches: unseen, everySteps: 3, patience: 2, keepBest: true };
    const { history, evaluations } = await train(model, examples, { optimizer, steps: 200, stepsAtOnce, evaluation, onStep });
    const found = { losses: history.map(({ loss }) => loss), evaluations, told, made: optimizer.step, values: model.values() };
    optimizer.dispose();
    model.dispose();
    return found;
  };
  const singly = await run(1);
  const atOnce = await run(4);
  expect(atOnce).toEqual(singly);
  const losses = atOnce.evaluations.map(({ loss }) => loss);
  expect(losses.length - 1 - losses.indexOf(Math.min(...losses))).toBe(2);
  expect(atOnce.made).toBe(3 * (losses.length - 1));
  expect(atOnce.told.length).toBe(atOnce.made);
});

test('an update that cannot be made ends the run after those before it, which are counted, told and in the weights', async () => {
  const narrow = (from: number): Batch => {
    const row = Array.from({ length: 16 }, (_, t) => (from + 5 * t) % 24);
    return { inputIds: [row], labels: [row] };
  };
  const wide = Array.from({ length: 40 }, (_, t) => t % 24); // the model has 32 positions
  const batches = [narrow(1), narrow(2), { inputIds: [wide], labels: [wide] }, narrow(3)];
  const runs: string[] = [];
  for (const stepsAtOnce of [1, 4]) {
    const model = smallModel('lora');
    const optimizer = new AdamW({ learningRate: 0.01 });
    const told: number[] = [];
    const onStep = ({ step }: StepRecord) => void told.push(step);
    await expect(train(model, batches, { optimizer, stepsAtOnce, onStep })).rejects.toThrow(/does not fit the model's 32 positions/);
    expect(told).toEqual([1, 2]);
    expect([optimizer.step, model.dropoutStep]).toEqual([2, 2]);
    runs.push(Array.from(model.trainableParameters(), ([, variable]) => variable.dataSync().join()).join());
    optimizer.dispose();
    model.dispose();
  }
  expect(runs[1]).toBe(runs[0]);
});

test('a run whose model is taken apart at its last step ends as it is', async () => {
  const model = smallModel('lora');
  const row = Array.from({ length: 16 }, (_, t) => (5 * t) % 24);
  const batch = { inputIds: [row], labels: [row] };
  const { history } = await train(model, [batch], { onStep: () => void model.freeze() });
  expect(history.length).toBe(1);
  model.dispose();
});
