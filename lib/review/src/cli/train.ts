/** `lowrank train --task`: trains an adapter for one code review task. */
import nodePath from 'node:path';
import { AbortedError } from 'lowrank';
import {
  type CommandArguments,
  encodeExamples,
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
          const count = `${validation.length} held-out example${validation.length === 1 ? '' : 's'}`;
          if (new Set(validation.map(({ needsReview }) => needsReview)).size < 2)
            return `threshold 0.5, the default: the ${count} lack one of the two answers\n`;
          const options = { maxLength: maxLength + 1, batchSize, languageLabel, signal }; // room for the answer, as in an experiment
          try {
            const { threshold } = bestThreshold(await predictReviews(model, tokenizer, task, validation, options));
            saveTrainingData(folder, { ...data, threshold });
            return `threshold ${threshold.toFixed(4)}, which has the highest F1 on the ${count}\n`;
          } catch (error) {
            if (error instanceof AbortedError) throw error;
            return `threshold 0.5, the default, because the ${count} could not be measured: ${printableMessage(String(error))}\n`;
          }
        },
      };
    },
  });
}
