/** `lowrank train --task`: trains an adapter for one code review task. */
import nodePath from 'node:path';
import { type CommandArguments, encodeExamples, type Streams, trainAdapter, trainOnTexts } from 'lowrank/internal';
import { drawExamples } from '../drawExamples';
import { reviewPrompt } from '../prompts';
import type { ReviewExample } from '../reviewExample';
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
      let train: ReviewExample[] = [];
      return {
        encode: (tokenizer, { examples, heldOut, maxLength }) => {
          const encode = (part: readonly ReviewExample[]) => {
            const prompts = part.map((example) => reviewPrompt(task, example, { languageLabel }));
            return encodeExamples(tokenizer, prompts, { maxLength });
          };
          train = drawExamples(task, splits.train, examples);
          return { train: encode(train), validation: encode(drawExamples(task, splits.validation, heldOut)) };
        },
        onSaved: (folder) => saveTrainingData(folder, describeTrainingData(task, train, { languageLabel })),
      };
    },
  });
}
