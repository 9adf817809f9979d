/** `lowrank merge`: a model with a LoRA adapter in its weights. */
import { PeftModel } from '../peft';
import type { CommandArguments } from './commandArguments';
import { openModel } from './openModel';
import type { Streams } from './streams';

export async function run(args: CommandArguments, { stdout }: Streams): Promise<number> {
  const [folder, output] = [args.required('adapter'), args.required('output')];
  const { model, tokenizer } = await openModel(args);
  try {
    const merged = PeftModel.fromPretrained(model, folder).mergeAndUnload({ safeMerge: true });
    merged.savePretrained(output);
    tokenizer.savePretrained(output);
    stdout.write(`written to ${output}\n`);
    return 0;
  } finally {
    model.dispose();
  }
}
