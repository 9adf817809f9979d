import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  AdaptionPromptConfig,
  ArgumentError,
  type CausalSelfAttention,
  evaluateLoss,
  getPeftModel,
  KeyValueCache,
  type LlamaConfigOptions,
  LlamaForCausalLM,
  LoraConfig,
  MemoryError,
  planMemory,
  quantizeModel,
  rotaryTables,
  tf,
  train,
  ZeroInitPrefixAttention,
} from 'lowrank';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type MeasuredCase, measure, measuredCases, measuredOnGpu, plannedOnGpu } from '../../memory/memoryCases';
import { SMALL_SIZES } from '../smallSizes';

const LLAMA_7B = { vocabSize: 32_000, hiddenSize: 4096, intermediateSize: 11_008, numHiddenLayers: 32, numAttentionHeads: 32 };
const termOf = (options: Parameters<typeof planMemory>[1], name: string) =>
  planMemory(LLAMA_7B, options).terms.find((term) => term.name === name)?.bytes;

afterEach(() => vi.unstubAllEnvs());

describe('the plan', () => {
  test('has the weights that LLaMA-7B is known to have', () => {
    expect(termOf({ task: 'load' }, 'weights')).toBe(4 * 6_738_415_616);
    // norms stay float32
    expect(termOf({ task: 'load', dtype: 'bfloat16' }, 'weights')).toBe(2 * 6_738_415_616 + 2 * 266_240);
  });

  test('has one gradient and two moments for each trained parameter', () => {
    const options = { task: 'train', trainableParameters: 4_194_304 } as const;
    expect(termOf(options, 'gradients')).toBe(4 * 4_194_304);
    expect(termOf(options, 'optimizer moments')).toBe(8 * 4_194_304);
  });

  test('recomputing layers leaves their inputs and the values of one', () => {
    const options = { task: 'train', trainableParameters: 4_194_304, batchSize: 4 } as const;
    const kept = termOf(options, 'activations') ?? 0;
    expect(termOf({ ...options, gradientCheckpointing: true }, 'activations')).toBeLessThan(kept / 5);
  });

  test('of a loss alone has the logits of all tokens and neither moments nor attention scores; an unknown task is refused', () => {
    const options = { task: 'evaluate', batchSize: 2, sequenceLength: 256, device: 'GPU' } as const;
    expect(termOf(options, 'logits')).toBe(2 * 256 * 32_000 * 4);
    expect(planMemory(LLAMA_7B, options).terms.map(({ name }) => name)).not.toContain('attention scores');
    expect(planMemory(LLAMA_7B, options).terms.map(({ name }) => name)).not.toContain('optimizer moments');
    expect(() => planMemory(LLAMA_7B, JSON.parse('{"task":"score"}'))).toThrow('task "score" is none of "load"');
  });

  test.each([
    [{ batchSize: -1 }, 'planMemory: batchSize -1 is not a whole number from 1 up'],
    [{ sequenceLength: 0 }, 'planMemory: sequenceLength 0 is not'],
    [{ maxNewTokens: Number.NaN }, 'planMemory: maxNewTokens NaN is not a whole number from 0 up'],
    [{ numBeams: 1.5 }, 'planMemory: numBeams 1.5 is not'],
    [{ trainableParameters: -5 }, 'planMemory: trainableParameters -5 is not'],
    [{ firstTrainedLayer: 33 }, "planMemory: firstTrainedLayer 33 is above the model's 32 layers"],
  ])('of %o is refused, for it would be too small', (wrong, message) => {
    expect(() => planMemory(LLAMA_7B, { task: 'train', ...wrong })).toRefuse(ArgumentError, message);
  });

  test.each([
    ['4 × 512', { batchSize: 4, sequenceLength: 512 }, 21_105],
    ['2 × 2,048', { batchSize: 2, sequenceLength: 2048 }, 27_715],
    ['4 × 512, recomputed', { batchSize: 4, sequenceLength: 512, gradientCheckpointing: true }, 16_281],
  ])('is within a fifth of what LLaMA-7B took of an H200 (tests/bench/results): LoRA, bfloat16, %s', (_, shape, megabytes) => {
    const { bytes } = planMemory(LLAMA_7B, {
      task: 'train',
      trainableParameters: 8_388_608,
      dtype: 'bfloat16',
      precision: 'bfloat16',
      device: 'GPU',
      ...shape,
    });
    expect(bytes / 1e6 / megabytes).toBeGreaterThan(0.8);
    expect(bytes / 1e6 / megabytes).toBeLessThan(1.2);
  });

  test('is within a fifth of the peak in every process that was measured', () => {
    expect(measuredCases().length).toBeGreaterThan(15);
    for (const { case: one, plannedMegabytes, measuredMegabytes } of measuredCases()) {
      expect(Math.abs(plannedMegabytes / measuredMegabytes - 1), JSON.stringify(one)).toBeLessThan(0.2);
    }
  });

  test('counts what oneDNN keeps of each length while texts are written without compilation', () => {
    const isLong = ({ case: one }: MeasuredCase) => typeof one.model === 'object' && one.compile === false && (one.newTokens ?? 0) > 500;
    const long = measuredCases().filter(isLong);
    expect(long).toHaveLength(2);
    for (const { case: one, measuredMegabytes } of long) {
      const { model, work: task, length: sequenceLength, newTokens: maxNewTokens, compile } = one;
      const { bytes } = planMemory(model as LlamaConfigOptions, { task, sequenceLength, maxNewTokens, compile, device: 'CPU' });
      expect(Math.abs(bytes / 1e6 / measuredMegabytes - 1), JSON.stringify(one)).toBeLessThan(0.2);
    }
  });

  test('counts less for the compiled loss of a small model', () => {
    const small = measuredCases().filter(
      ({ case: { model, work } }) => typeof model === 'object' && model.hiddenSize < 300 && ['evaluate', 'train'].includes(work),
    );
    expect(small.filter(({ case: { others } }) => others !== undefined)).toHaveLength(3); // batches of three and eight shapes
    expect(small).toHaveLength(6);
    for (const { case: one, measuredMegabytes } of small) {
      const { model, work: task, batch: batchSize, length: sequenceLength } = one;
      const shape = { batchSize, sequenceLength, trainableParameters: 20_000 };
      const { bytes } = planMemory(model as LlamaConfigOptions, { task, ...shape, device: 'CPU' });
      expect(Math.abs(bytes / 1e6 / measuredMegabytes - 1), JSON.stringify(one)).toBeLessThan(0.2);
    }
  });

  test('counts the cached tokens before a pass, in the cache, the scores and the mask', () => {
    const cached = measuredCases().filter(({ case: { past } }) => past !== undefined);
    expect(cached).toHaveLength(4);
    for (const { case: one, measuredMegabytes } of cached) {
      const { model, work: task, batch: batchSize, length: sequenceLength, past: pastTokens } = one;
      const { bytes } = planMemory(model as LlamaConfigOptions, { task, batchSize, sequenceLength, pastTokens, device: 'CPU' });
      expect(Math.abs(bytes / 1e6 / measuredMegabytes - 1), JSON.stringify(one)).toBeLessThan(0.2);
    }
  });

  test('a pass is refused for what its cache and its scores over all tokens take, not for what the cache holds', () => {
    const model = LlamaForCausalLM.fromConfig({ ...SMALL_SIZES, maxPositionEmbeddings: 2 ** 30 });
    const cache = new KeyValueCache(SMALL_SIZES.numHiddenLayers);
    vi.spyOn(cache, 'length', 'get').mockReturnValue(2 ** 29);
    expect(() => model.forward([[1, 2]], { cache })).toRefuse(MemoryError, /a pass over 1 × 2 tokens after 536870912 cached ones takes/);
    model.dispose();
  });

  test('a frozen cache takes one layer of a pass at a time, for nothing is added to it', () => {
    const model = LlamaForCausalLM.fromConfig({ ...SMALL_SIZES, numHiddenLayers: 10, maxPositionEmbeddings: 2 ** 30 });
    const cache = new KeyValueCache(10);
    vi.spyOn(cache, 'length', 'get').mockReturnValue(5 * 10 ** 8);
    const layer = 4 * 2 * (SMALL_SIZES.hiddenSize / 2) * 5 * 10 ** 8; // keys and values, float32
    const taken = (bytes: number) => new RegExp(`key and value cache ${(bytes / 1e9).toFixed(0)} GB`);
    expect(() => model.forward([[1, 2]], { cache })).toRefuse(MemoryError, taken(10 * layer));
    cache.freeze();
    expect(() => model.forward([[1, 2]], { cache })).toRefuse(MemoryError, taken(2 * layer)); // repeated for each row, and joined
    model.dispose();
  });

  test('is within a fifth of what an H200 held, also for work by which no factor was chosen', () => {
    const { cases, fresh } = measuredOnGpu();
    expect([cases.length, fresh.length]).toEqual([41, 16]);
    for (const { case: one, measuredMegabytes } of [...cases, ...fresh]) {
      expect(Math.abs(plannedOnGpu(one) / 1e6 / measuredMegabytes - 1), JSON.stringify(one)).toBeLessThan(0.2);
    }
  });

  test('is so on this machine too', async () => {
    const sizes = { vocabSize: 2000, hiddenSize: 256, intermediateSize: 512, numHiddenLayers: 2, numAttentionHeads: 4 };
    const { planned, peak } = await measure({ model: sizes, work: 'forward', batch: 4, length: 512 });
    expect(Math.abs(planned / peak - 1)).toBeLessThan(0.2);
  });
});

describe('a hundred requests beyond any machine are refused, and the process goes on', () => {
  const config = { ...SMALL_SIZES, maxPositionEmbeddings: 2 ** 30 };
  const sizes = Array.from({ length: 25 }, (_, n) => n + 1);

  test('model × method × task × batch × length, in a process that takes less than it was left', async () => {
    const work = promisify(execFile)('node', ['--no-warnings', 'tests/memory/oversizedRuns.ts'], { timeout: 100_000 });
    const { takenMegabytes, ...found } = JSON.parse((await work).stdout);
    expect(found).toEqual({ refused: 128, accepted: [] });
    expect(takenMegabytes).toBeLessThan(300);
  }, 120_000);

  test('models', () => {
    for (const n of sizes) {
      expect(() => LlamaForCausalLM.fromConfig({ ...SMALL_SIZES, numHiddenLayers: n * 10 ** 12 })).toThrow(MemoryError);
      expect(() => LlamaForCausalLM.fromConfig({ ...SMALL_SIZES, vocabSize: n * 10 ** 11 })).toThrow(MemoryError);
    }
  });

  test('texts to write, and to learn, on a model that still works after them', async () => {
    const model = LlamaForCausalLM.fromConfig(config);
    const peft = getPeftModel(model, new LoraConfig({ r: 2, targetModules: ['q_proj'] }));
    const long = Array<number>(200_000).fill(1);
    for (const n of sizes) {
      await expect(model.generate([[1, 2]], { maxNewTokens: 2 ** 29 + n })).rejects.toThrow(MemoryError);
      await expect(train(peft, [{ inputIds: [long], labels: [long] }], { steps: 1, compile: n % 2 === 0 })).rejects.toThrow(MemoryError);
    }
    expect(() => model.forward([long], { logitsToKeep: 1 })).toThrow(MemoryError);
    const { selfAttn } = LlamaForCausalLM.fromConfig(config).model.layers[0] ?? {};
    expect(() => new ZeroInitPrefixAttention(selfAttn as CausalSelfAttention, { adapterLen: 10 ** 11 })).toThrow(MemoryError);
    expect(() => tf.tidy(() => rotaryTables(tf.range(0, 10 ** 6), { headDim: 2 ** 20 }).cos)).toThrow(MemoryError);
    expect(tf.tidy(() => model.forward([[1, 2]]).shape)).toEqual([1, 2, SMALL_SIZES.vocabSize]);
    expect((await train(peft, [{ inputIds: [[1, 2, 3]], labels: [[1, 2, 3]] }])).history).toHaveLength(1);
  });

  test('adapters, on a model that still works after them', () => {
    const model = LlamaForCausalLM.fromConfig(config);
    for (const n of sizes) {
      const prompt = new AdaptionPromptConfig({ adapterLen: n * 10 ** 12, adapterLayers: 1 });
      expect(() => getPeftModel(model, prompt)).toThrow(
        /the adapter 'default' takes .* The most goes to adaption_prompt .* shorter prefix/,
      );
      expect(() => model.resizeTokenEmbeddings(n * 10 ** 12)).toThrow(MemoryError);
      const huge = { ...SMALL_SIZES, vocabSize: n * 10 ** 11 };
      expect(() => LlamaForCausalLM.fromTensors(huge, () => expect.fail('asked for a tensor'))).toThrow(MemoryError);
    }
    const wide = LlamaForCausalLM.fromConfig({ ...SMALL_SIZES, vocabSize: 32_000 });
    expect(() => wide.resizeTokenEmbeddings(10 ** 7)).toThrow(/The most goes to random numbers for the new rows 1.3 TB/);
    wide.dispose();
    const peft = getPeftModel(model, new LoraConfig({ r: 2 }));
    expect(tf.tidy(() => peft.forward([[1, 2]]).shape)).toEqual([1, 2, SMALL_SIZES.vocabSize]);
  });

  test('a merge, and weights to be unpacked, beyond the limit change nothing', () => {
    const model = LlamaForCausalLM.fromConfig(SMALL_SIZES);
    quantizeModel(model, 'int8');
    const peft = getPeftModel(model, new LoraConfig({ r: 2, initLoraWeights: false }));
    const before = tf.tidy(() =>
      peft
        .forward([[1, 2]])
        .dataSync()
        .slice(),
    );
    const { numTensors } = tf.memory();
    vi.stubEnv('LOWRANK_MEMORY_LIMIT', '1MB');
    expect(() => peft.mergeAdapter()).toThrow(/merging default takes .* The most goes to merged weights .* Leave the adapter unmerged/);
    expect(() => peft.mergeAndUnload({ dtype: 'float32' })).toThrow(/unpacking the weights takes/);
    expect(() => peft.addAdapter('other', new LoraConfig({ r: 2 }))).toThrow(/the adapter 'other' takes .* lora_A .* lora_B .* lower rank/);
    expect(peft.mergedAdapters).toEqual([]);
    expect(Object.keys(peft.peftConfig)).toEqual(['default']);
    expect(tf.memory().numTensors).toBe(numTensors);
    vi.unstubAllEnvs();
    expect(
      tf.tidy(() =>
        peft
          .forward([[1, 2]])
          .dataSync()
          .slice(),
      ),
    ).toEqual(before);
    peft.mergeAdapter();
    expect(peft.mergedAdapters).toEqual(['default']);
  });

  test('a loss without training, and attention that is kept, on a model that still works after them', async () => {
    const model = LlamaForCausalLM.fromConfig(config);
    const long = Array<number>(200_000).fill(1);
    for (const compile of [true, false]) {
      const work = evaluateLoss(model, [{ inputIds: [long], labels: [long] }], { compile });
      await expect(work).rejects.toThrow(/over 1 × 200000 tokens|the loss of 1 × 200000 tokens takes .* The most goes to attention mask/);
    }
    expect(() => model.attentions([long])).toThrow(/the attention of 1 × 200000 tokens takes .* attention weights .* Give fewer rows/);
    expect((await evaluateLoss(model, [{ inputIds: [[1, 2, 3]], labels: [[1, 2, 3]] }])).tokens).toBe(2);
  });

  test('a limit of one’s own refuses what the machine would hold', () => {
    vi.stubEnv('LOWRANK_MEMORY_LIMIT', '1MB');
    expect(() => LlamaForCausalLM.fromConfig(SMALL_SIZES)).toThrow(/a model of this configuration takes .*weights/);
  });
});
