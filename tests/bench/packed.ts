/** The same review examples, padded and packed: how many useful tokens a second each trains on. */
import {
  AdamW,
  type Batch,
  encodeExample,
  LlamaForCausalLM,
  loadReviewData,
  makeBatches,
  PeftModel,
  type ReviewTask,
  reviewPrompt,
  Tokenizer,
  train,
} from 'lowrank';
import type { TaskOptions } from './task.ts';

export interface PackedAnswer {
  readonly examples: number;
  /** Tokens that are not padding, in all. */
  readonly usefulTokens: number;
  /** For each way: its batches' tokens with padding, and useful tokens a second. */
  readonly padded: Way;
  readonly packed: Way;
}

interface Way {
  readonly tokens: number;
  readonly usefulTokensPerSecond: number;
}

const MAX_LENGTH = 1024;
const EXAMPLES = 48;

export async function packed(folder: string, { batch, adapter = '', dtype }: TaskOptions): Promise<PackedAnswer> {
  const tokenizer = await Tokenizer.fromPretrained(process.env.BENCH_TOKENIZER ?? folder);
  const { train: reviews } = await loadReviewData();
  const tasks: ReviewTask[] = ['necessity', 'comment', 'refinement'];
  const examples = tasks.flatMap((task) => {
    const fit = reviews.filter(({ comment, refinedCode }) => task === 'necessity' || (comment !== undefined && refinedCode !== undefined));
    const spaced = fit
      .filter((_, index) => index % Math.floor(fit.length / (EXAMPLES / tasks.length)) === 0)
      .slice(0, EXAMPLES / tasks.length);
    return spaced.map((review) => encodeExample(tokenizer, reviewPrompt(task, review), { maxLength: MAX_LENGTH }));
  });
  const usefulTokens = examples.reduce((sum, { inputIds }) => sum + inputIds.length, 0);
  const model = PeftModel.fromPretrained(await LlamaForCausalLM.fromPretrained(folder), adapter, { isTrainable: true });
  const common = { padTokenId: 0, seed: 1 };
  const measure = async (batches: Batch[]): Promise<Way> => {
    const optimizer = new AdamW({ learningRate: 1e-4 });
    let begin = 0;
    await train(model, batches, {
      epochs: 2, // the first warms up
      optimizer,
      precision: dtype,
      onStep: ({ step }) => {
        if (step === batches.length) begin = performance.now();
      },
    });
    const seconds = (performance.now() - begin) / 1000;
    optimizer.dispose();
    const tokens = batches.reduce((sum, { inputIds }) => sum + inputIds.flat().length, 0);
    return { tokens, usefulTokensPerSecond: usefulTokens / seconds };
  };
  return {
    examples: examples.length,
    usefulTokens,
    padded: await measure(makeBatches(examples, { ...common, batchSize: batch })),
    packed: await measure(makeBatches(examples, { ...common, batchSize: 1, pack: MAX_LENGTH })),
  };
}
