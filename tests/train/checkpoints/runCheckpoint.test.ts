import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { createInterface } from 'node:readline';
import { FormatError, getPeftModel, LlamaForCausalLM, LoraConfig, loadCheckpoint, StateError, saveCheckpoint, tf, train } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../io/temporaryFolder';
import { noTensorLeft } from '../../noTensorLeft';
import { BigramModel, countingExamples } from '../bigramModel';
import { smallModel, smallRun } from '../smallRun';

const folder = temporaryFolder();
const batches = countingExamples(8).map(({ inputIds, labels }) => ({ inputIds: [inputIds], labels: [labels] }));
noTensorLeft();

const sizes = { vocabSize: 12, hiddenSize: 8, intermediateSize: 8, numHiddenLayers: 2, numAttentionHeads: 2, maxPositionEmbeddings: 16 };

/** Trains to so many steps, saved in the folder. */
async function run(directory: string, steps: number, { lora = {}, base = {}, seed = 1 } = {}) {
  const llama = LlamaForCausalLM.fromConfig({ ...sizes, ...base }, { seed });
  const model = getPeftModel(llama, new LoraConfig({ r: 2, ...lora }));
  try {
    return await train(model, batches, { steps, checkpoint: { directory }, compile: false });
  } finally {
    model.dispose();
  }
}

describe('a saved run', () => {
  test('is resumed with the same adapter on the same base, wherever that base is said to lie', async () => {
    const directory = folder('same');
    await run(directory, 2);
    expect(
      (await run(directory, 4, { lora: { baseModelNameOrPath: 'elsewhere', targetModules: ['v_proj', 'q_proj'] } })).history,
    ).toHaveLength(4);
  });

  test.each([
    ['loraAlpha', { lora: { loraAlpha: 16 } }, /default\.loraAlpha was 8 and is 16/],
    ['dropout', { lora: { loraDropout: 0.5 } }, /default\.loraDropout was 0 and is 0\.5/],
    ['scale', { lora: { useRslora: true } }, /default\.useRslora was false and is true/],
    ['targets', { lora: { targetModules: ['k_proj'] } }, /k_proj/],
    ['base', { seed: 2 }, /the base's .*model\.embed_tokens\.weight; .* and \d+ more/],
    ["base's configuration", { base: { ropeTheta: 5 } }, /ropeTheta was 10000 and is 5/],
  ])('is not resumed with another %s', async (_, other, message) => {
    const directory = folder(`other-${String(message).replace(/\W/g, '')}`);
    await run(directory, 2);
    await expect(run(directory, 4, other)).rejects.toRefuse(StateError, message);
    expect((await run(directory, 3)).history).toHaveLength(3); // and it is whole
  });

  test('is not resumed on a base of which one number differs', async () => {
    const directory = folder('one-number');
    const model = smallModel('lora');
    await smallRun(model, { checkpoint: { directory }, steps: 2, compile: false });
    model.dispose();
    const other = smallModel('lora');
    const weight = new Map(other.model.namedParameters()).get('model.embed_tokens.weight') as tf.Variable;
    tf.tidy(() => weight.assign(tf.where(tf.range(0, weight.size).equal(7).reshape(weight.shape), weight.add(1e-6), weight)));
    await expect(smallRun(other, { checkpoint: { directory }, compile: false })).rejects.toThrow(
      /the base's .*embed_tokens\.weight\. Resume with the same/,
    );
    other.dispose();
  });

  test('that says nothing of its setup is refused', async () => {
    const directory = folder('silent');
    await run(directory, 2);
    const { step, state, tensors } = loadCheckpoint(directory) ?? expect.unreachable();
    saveCheckpoint(directory, { step, state: { ...(state as object), setup: undefined }, tensors });
    tf.dispose(Object.values(tensors));
    await expect(run(directory, 3)).rejects.toThrow(/: setup is not of the expected form/);
  });

  test.each(['position', 'history', 'optimizerStep', 'evaluations', 'setup', 'dropoutStep', 'dropoutSeeds'])(
    'whose %s is of another form is refused by its file',
    async (field) => {
      const directory = folder(`form-${field}`);
      await run(directory, 1);
      const { step, state, tensors } = loadCheckpoint(directory) ?? expect.unreachable();
      saveCheckpoint(directory, { step, state: { ...(state as object), [field]: 'x' }, tensors });
      tf.dispose(Object.values(tensors));
      await expect(run(directory, 2)).rejects.toThrow(FormatError);
      await expect(run(directory, 2)).rejects.toThrow(
        new RegExp(`checkpoint-2-step-1/state\\.json .*: ${field} is not of the expected form`),
      );
    },
  );

  test('may have more updates than a call takes arguments', async () => {
    const [directory, updates] = [folder('long'), 200_000];
    await run(directory, 1);
    const { step, state, tensors } = loadCheckpoint(directory) ?? expect.unreachable();
    const { history, ...rest } = state as { readonly history: readonly object[] };
    const long = Array.from({ length: updates }, (_, index) => ({ ...history[0], step: index + 1 }));
    saveCheckpoint(directory, { step, state: { ...rest, history: long }, tensors });
    tf.dispose(Object.values(tensors));
    expect((await run(directory, updates)).history).toHaveLength(updates);
  });

  test('without the weights of its lowest held-out loss is not resumed with keepBest', async () => {
    const directory = folder('best');
    const model = new BigramModel();
    const trained = (steps: number, keepBest: boolean) =>
      train(model, batches, { steps, checkpoint: { directory }, evaluation: { batches, keepBest } });
    await trained(1, true);
    await trained(2, false); // its loss is lower
    await expect(trained(3, true)).rejects.toRefuse(
      StateError,
      /was saved without keepBest .*: leave keepBest out, or take another folder/,
    );
    expect((await trained(3, false)).history).toHaveLength(3);
    model.dispose();
  });

  test('holds two states where keep is 2, also at its end', async () => {
    const directory = folder('two');
    const model = new BigramModel();
    await train(model, batches, { checkpoint: { directory, everySteps: 4, keep: 2 }, evaluation: { batches } });
    model.dispose();
    expect(fs.readdirSync(directory).map((name) => name.replace(/-\d+-/, '-'))).toEqual(['checkpoint-step-4', 'checkpoint-step-8']);
  });
});

describe('a folder in use', () => {
  test('is refused to a second run of this process, and free again when the first has ended', async () => {
    const directory = folder('busy');
    const first = run(directory, 8);
    await expect(run(directory, 8)).rejects.toThrow(/is in use by another run, of this process/);
    await first;
    expect((await run(directory, 9)).history).toHaveLength(9);
    expect(fs.readdirSync(directory).filter((name) => name.includes('lock'))).toEqual([]);
  });

  test.skipIf(!fs.existsSync('lib/lowrank/dist/index.js'))(
    'is refused while its process lives, and taken when that was killed',
    async () => {
      const directory = folder('killed');
      const child: ChildProcess = spawn('node', ['--no-warnings', 'tests/train/killedRun.ts', 'lora', directory, '1', '100000'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const ended = once(child, 'close');
      for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) if (line === 'step 1') break;
      const model = smallModel('lora');
      const options = { checkpoint: { directory }, compile: false };
      await expect(smallRun(model, options)).rejects.toThrow(
        new RegExp(`is in use by another run, of process ${child.pid} on .*remove .*run\\.lock`),
      );
      child.kill('SIGKILL');
      await ended;
      expect((await smallRun(model, options)).history).toHaveLength(12);
      model.dispose();
    },
  );

  test.each([
    ['a process with the id of a living one', (lock: object) => ({ ...lock, began: '1' })],
    ['nobody, as a power cut leaves it', () => undefined],
  ])('is taken from %s', async (_, change) => {
    const directory = folder(`stale-${change.length}`);
    fs.mkdirSync(directory);
    const holder = change({ pid: process.pid, began: '1' });
    fs.writeFileSync(`${directory}/run.lock`, holder ? JSON.stringify(holder) : '');
    expect((await run(directory, 1)).history).toHaveLength(1);
  });

  test('is refused where another machine touched its lock of late, and taken ten minutes later', async () => {
    const directory = folder('elsewhere');
    const lock = `${directory}/run.lock`;
    fs.mkdirSync(directory);
    fs.writeFileSync(lock, JSON.stringify({ pid: 1, began: '1', place: 'another', host: 'far' }));
    await expect(run(directory, 1)).rejects.toThrow(/of process 1 on far/);
    fs.utimesSync(lock, new Date(), new Date(Date.now() - 11 * 60_000));
    expect((await run(directory, 1)).history).toHaveLength(1);
  });
});
