/** `lowrank train --task`: trains an adapter for one code review task. */
import nodePath from 'node:path';
import { AbortedError } from 'lowrank';
import {
  type CommandArguments,
  encodeExamples,
  ProgressLine,
  printableMessage,
  type Streams,
  trainAdapter,
  trainOnTexts,
  UsageError,
} from 'lowrank/internal';
import { drawExamples } from '../drawExamples';
import { predictReviews } from '../predictReviews';
import { reviewPrompt } from '../prompts';
import type { ReviewExample } from '../reviewExample';
import { bestThreshold } from '../scores/scoreReviews';
import { describeTrainingData, saveTrainingData } from '../trainingDataFile';
import { reviewData } from './reviewData';
import { taskOf } from './tasks';

/** A threshold that was chosen on fewer would be one of chance. */
const LEAST_OF_EACH = 5;

export function run(args: CommandArguments, streams: Streams): Promise<number> {
  if (args.text('task') === undefined && args.text('data') !== undefined) return trainOnTexts(args, streams);
  const task = taskOf(args);
  const languageLabel = args.isOn('language');
  return trainAdapter(args, streams, {
    folder: nodePath.join(args.required('output'), task),
    read: async () => {
      const splits = await reviewData(args, streams, { task });
      if (languageLabel && splits.train.every(({ language }) => language === ''))
        throw new UsageError('--language does nothing: the review data does not name the language of any example');
      let train: ReviewExample[] = [];
      let validation: ReviewExample[] = [];
      return {
        encode: (tokenizer, { examples, heldOut, maxLength }) => {
          const encode = (part: readonly ReviewExample[]) => {
            const prompts = part.map((example) => reviewPrompt(task, example, { languageLabel }));
            return encodeExamples(tokenizer, prompts, { maxLength });
          };
          train = drawExamples(task, splits.train, examples);
          const drawn = drawExamples(task, splits.validation, heldOut);
          const encoded = { train: encode(train), validation: encode(drawn) };
          validation = drawn.filter((_, index) => encoded.validation[index] !== undefined);
          return encoded;
        },
        onSaved: async (folder, { model, tokenizer, maxLength, batchSize, signal }) => {
          const data = describeTrainingData(task, train, { languageLabel });
          saveTrainingData(folder, data);
          if (task !== 'necessity') return undefined;
          const total = validation.length;
          const count = `${total} held-out example${total === 1 ? '' : 's'}`;
          const positive = validation.filter(({ needsReview }) => needsReview).length;
          if (Math.min(positive, total - positive) < LEAST_OF_EACH)
            return `threshold 0.5, the default: a better one needs ${LEAST_OF_EACH} held-out examples of each answer; here ${positive} say yes and ${total - positive} no\n`;
          const progress = new ProgressLine(args, streams.stderr);
          const onProgress = (done: number) => progress.count('choosing the threshold', { done, total });
          const options = { maxLength: maxLength + 1, batchSize, languageLabel, signal, onProgress }; // room for the answer, as in an experiment
          try {
            const { threshold } = bestThreshold(await predictReviews(model, tokenizer, task, validation, options));
            saveTrainingData(folder, { ...data, threshold });
            return `threshold ${threshold.toFixed(4)}, which has the highest F1 on the ${count}\n`;
          } catch (error) {
            progress.clear();
            if (error instanceof AbortedError) throw error;
            return `threshold 0.5, the default, because the ${count} could not be measured: ${printableMessage(String(error))}\n`;
          }
        },
      };
    },
  });
}
