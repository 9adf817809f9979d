/** `lowrank train`: trains an adapter on prompts and completions. */
import { shuffled } from '../../runtime';
import { encodeExamples } from '../../train/data/encodeExample';
import { readTextRecords, textExample } from '../../train/data/readTextExamples';
import type { CommandArguments } from '../arguments/commandArguments';
import type { Streams } from '../streams';
import { trainAdapter } from '../trainAdapter';

export function run(args: CommandArguments, streams: Streams): Promise<number> {
  const path = args.required('data');
  return trainAdapter(args, streams, {
    folder: args.required('output'),
    read: async () => {
      const records = shuffled(await readTextRecords(path), 1);
      return {
        encode: (tokenizer, { examples, heldOut, maxLength }) => {
          const most = Math.min(heldOut, Math.floor(records.length / 5)); // keep at least 4/5 of a small file for training
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
