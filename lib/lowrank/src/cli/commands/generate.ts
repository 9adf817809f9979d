/** `lowrank generate`: continues a prompt. */
import { checkGenerating } from '../../llama/generation/generateOptions';
import { PeftModel } from '../../peft';
import { checkAdapterFolder } from '../../peft/files/openAdapterFolder';
import { printable } from '../../runtime/messages/printable';
import type { CommandArguments } from '../arguments/commandArguments';
import { checkModel, openModel } from '../openModel';
import type { Streams } from '../streams';
import { UsageError } from '../usageError';

export async function run(args: CommandArguments, streams: Streams): Promise<number> {
  const { stdin, stdout } = streams;
  const options = {
    maxNewTokens: args.whole('max-new-tokens') ?? 128,
    temperature: args.number('temperature', { least: 0 }),
    topP: args.number('top-p', { least: 0, most: 1 }),
    numBeams: args.whole('beams'),
    seed: args.whole('seed', { least: 0 }),
  };
  checkGenerating(options);
  checkModel(args);
  const folder = args.text('adapter');
  if (folder !== undefined) checkAdapterFolder(folder);
  const prompt = args.argument === undefined || args.argument === '-' ? (await allOf(stdin)).replace(/\r?\n$/, '') : args.argument;
  if (prompt === '') throw new UsageError('the prompt is empty');
  const { model, tokenizer } = await openModel(args, streams, folder);
  try {
    const writer = folder === undefined ? model : await PeftModel.fromPretrained(model, folder);
    const chat = [{ role: 'user', content: prompt }];
    const ids = args.isOn('chat')
      ? tokenizer.encode(tokenizer.applyChatTemplate(chat, { addGenerationPrompt: true }), { addSpecialTokens: false })
      : tokenizer.encode(prompt);
    const [written = []] = await writer.generate([ids], options);
    stdout.write(`${printable(tokenizer.decode(written, { skipSpecialTokens: true }))}\n`);
    return 0;
  } finally {
    model.dispose();
  }
}

async function allOf(stream: AsyncIterable<Buffer | string>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}
