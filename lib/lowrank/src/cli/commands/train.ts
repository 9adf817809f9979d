/** `lowrank train`: trains an adapter on prompts and completions. */
import { shuffled } from '../../runtime';
import { encodeExamples } from '../../train/data/encodeExample';
import { readTextRecords, textExample } from '../../train/data/readTextExamples';
import type { CommandArguments } from '../arguments/commandArguments';
import type { Streams } from '../streams';
import { trainAdapter } from '../trainAdapter';
import { UsageError } from '../usageError';

export function run(args: CommandArguments, streams: Streams): Promise<number> {
  const path = args.required('data');
  return trainAdapter(args, streams, {
    folder: args.required('output'),
    read: async () => {
      const records = shuffled(await readTextRecords(path), 1);
      return {
        encode: (tokenizer, { examples, heldOut, isHeldOutGiven, maxLength }) => {
          const most = isHeldOutGiven ? heldOut : Math.min(heldOut, Math.floor(records.length / 5)); // at most a fifth of a small file
          if (most >= records.length)
            throw new UsageError(`--held-out ${most} leaves none of the ${records.length} examples in ${path} to train on`);
          const encode = (part: typeof records) => {
            const texts = part.map((record) => textExample(tokenizer, record));
            return encodeExamples(tokenizer, texts, { maxLength });
          };
          return { train: encode(records.slice(most, most + examples)), validation: encode(records.slice(0, most)) };
        },
      };
    },
  });
}
