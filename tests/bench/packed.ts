/** The same review examples, padded in two ways and packed: how many useful tokens a second each trains on. */
import { AdamW, type Batch, encodeExample, LlamaForCausalLM, makeBatches, PeftModel, Tokenizer, train } from 'lowrank';
import { loadReviewData, type ReviewTask, reviewPrompt } from 'lowrank-review';
import type { TaskOptions } from './task.ts';

export interface PackedAnswer {
  readonly examples: number;
  /** Tokens that are not padding, in all. */
  readonly usefulTokens: number;
  /** The most tokens that an example may have, and a packed row has. */
  readonly maxLength: number;
  /** Each batch to its longest example, as most trainers' collators do. */
  readonly padded: Way;
  /** Every example to the greatest length, as LLaMA-Adapter's own `alpaca_finetuning_v1/finetuning.py` does. */
  readonly paddedToMaxLength: Way;
  readonly packed: Way;
}

interface Way {
  /** Of its batches, with padding. */
  readonly tokens: number;
  readonly usefulTokensPerSecond: number;
}

const MAX_LENGTH = 1024;
const EXAMPLES = 48;

export async function packed(folder: string, { batch, adapter = '', dtype }: TaskOptions): Promise<PackedAnswer> {
  const tokenizer = await Tokenizer.fromPretrained(process.env.BENCH_TOKENIZER ?? folder);
  const { train: reviews } = await loadReviewData({ path: process.env.REVIEW_DATA || undefined });
  const tasks: ReviewTask[] = ['necessity', 'comment', 'refinement'];
  const examples = tasks.flatMap((task) => {
    const fit = reviews.filter(({ comment, refinedCode }) => task === 'necessity' || (comment !== undefined && refinedCode !== undefined));
    const spaced = fit
      .filter((_, index) => index % Math.floor(fit.length / (EXAMPLES / tasks.length)) === 0)
      .slice(0, EXAMPLES / tasks.length);
    return spaced.map((review) => encodeExample(tokenizer, reviewPrompt(task, review), { maxLength: MAX_LENGTH }));
  });
  const usefulTokens = examples.reduce((sum, { inputIds }) => sum + inputIds.length, 0);
  const model = await PeftModel.fromPretrained(await LlamaForCausalLM.fromPretrained(folder), adapter, { isTrainable: true });
  const common = { padTokenId: 0, seed: 1 };
  const measure = async (batches: Batch[], warmup: Batch[]): Promise<Way> => {
    const optimizer = new AdamW({ learningRate: 1e-4 });
    let begin = 0;
    await train(model, [...warmup, ...batches], {
      optimizer,
      precision: dtype,
      onStep: ({ step }) => {
        if (step === warmup.length) begin = performance.now();
      },
    });
    const seconds = (performance.now() - begin) / 1000;
    optimizer.dispose();
    const tokens = batches.reduce((sum, { inputIds }) => sum + inputIds.flat().length, 0);
    return { tokens, usefulTokensPerSecond: usefulTokens / seconds };
  };
  const paddedBatches = makeBatches(examples, { ...common, batchSize: batch });
  const packedBatches = makeBatches(examples, { ...common, batchSize: 1, pack: MAX_LENGTH });
  const widest = paddedBatches.map((one) => widened(one, MAX_LENGTH));
  return {
    examples: examples.length,
    usefulTokens,
    maxLength: MAX_LENGTH,
    padded: await measure(paddedBatches, paddedBatches), // every form of batch is compiled before the clock starts
    paddedToMaxLength: await measure(widest, widest.slice(0, 1)), // all are of one form
    packed: await measure(packedBatches, packedBatches),
  };
}

/** The batch with every row padded on the right to this width. */
function widened({ inputIds, labels, attentionMask }: Batch, width: number): Batch {
  const fill = (rows: Batch['inputIds'], filler: number) =>
    rows.map((row) => [...row, ...new Array<number>(width - row.length).fill(filler)]);
  const kept = attentionMask ?? inputIds.map((row) => row.map(() => 1));
  return { inputIds: fill(inputIds, 0), labels: fill(labels, -100), attentionMask: fill(kept, 0) };
}
