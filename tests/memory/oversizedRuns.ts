/**
 * A process that asks for work beyond its limit: model × method × task × batch × length. It prints what was not refused, and what was taken.
 * With the argument `all` two models and six methods, in twelve seconds; else one model and four.
 */
import fs from 'node:fs';
import {
  AdaptionPromptConfig,
  evaluateLoss,
  getPeftModel,
  IA3Config,
  LlamaForCausalLM,
  LoraConfig,
  MemoryError,
  train,
  VeraConfig,
} from 'lowrank';

/** Beside what the process holds when all models and adapters exist. */
const LIMIT = 200; // MB
const SHAPES = [
  [1, 40_000],
  [4, 10_000],
  [64, 4000],
  [2000, 300],
] as const;
const MODELS = [
  { vocabSize: 300, hiddenSize: 64, intermediateSize: 128, numHiddenLayers: 2, numAttentionHeads: 8 },
  { vocabSize: 4000, hiddenSize: 96, intermediateSize: 96, numHiddenLayers: 3, numAttentionHeads: 4, tieWordEmbeddings: true },
];
const METHODS = {
  full: undefined,
  lora: new LoraConfig({ r: 4 }),
  dora: new LoraConfig({ r: 4, useDora: true }),
  prefix: new AdaptionPromptConfig({ adapterLen: 4, adapterLayers: 1 }),
  ia3: new IA3Config(),
  vera: new VeraConfig({ r: 8 }),
};

const peak = () => Number(/^VmHWM:\s+(\d+) kB/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1000;
const held = () => process.memoryUsage().rss / 1e6;

const isAll = process.argv[2] === 'all';
const models = MODELS.slice(0, isAll ? 2 : 1).flatMap((sizes) =>
  Object.entries(METHODS)
    .slice(0, isAll ? 6 : 4)
    .map(([method, config]) => {
      const base = LlamaForCausalLM.fromConfig({ ...sizes, maxPositionEmbeddings: 2 ** 20 });
      return { name: `${sizes.vocabSize} ${method}`, model: config ? getPeftModel(base, config) : base };
    }),
);
const small = [{ inputIds: [[1, 2]], labels: [[1, 2]] }];
for (const { model } of models) await train(model, small, { steps: 1, compile: false });

process.env.LOWRANK_MEMORY_LIMIT = `${Math.ceil(held() + LIMIT)}MB`;
const before = peak();
const accepted: string[] = [];
let refused = 0;
for (const { name, model } of models) {
  for (const [batch, length] of SHAPES) {
    const rows = Array<number[]>(batch).fill(Array<number>(length).fill(1));
    const examples = [{ inputIds: rows, labels: rows }];
    const tasks = {
      train: () => train(model, examples, { steps: 1 }),
      'train eagerly': () => train(model, examples, { steps: 1, compile: false }),
      'evaluate eagerly': () => evaluateLoss(model, examples, { compile: false }),
      generate: () => model.generate(rows, { maxNewTokens: 4 }),
      'generate beams': () => model.generate(rows, { maxNewTokens: 4, numBeams: 4 }),
      'generate eagerly': () => model.generate(rows, { maxNewTokens: 4, compile: false }),
      'one token, many new': () =>
        model.generate(
          rows.map(() => [1]),
          { maxNewTokens: length },
        ),
      forward: () => model.forward(rows),
    };
    for (const [task, work] of Object.entries(tasks)) {
      try {
        await work();
        accepted.push(`${name} ${task} ${batch} × ${length}`);
      } catch (error) {
        if (error instanceof MemoryError) refused++;
        else accepted.push(`${name} ${task} ${batch} × ${length}: ${String(error).slice(0, 200)}`);
      }
    }
  }
}
console.log(JSON.stringify({ refused, accepted, takenMegabytes: Math.round(peak() - before) }));
