/** Opens the model that a command names. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { LlamaForCausalLM, type LoadProgress, Tokenizer } from '../llama';
import { modelPlace } from '../llama/files/modelPlace';
import { printableMessage } from '../runtime/messages/printable';
import type { CommandArguments } from './arguments/commandArguments';
import { defaultModelPath } from './defaultModel';
import { fitVocabulary } from './fitVocabulary';
import { ProgressLine } from './progressLine';
import type { Streams } from './streams';

/** A model and its tokenizer; the caller disposes the model. */
interface OpenModel {
  readonly path: string;
  readonly model: LlamaForCausalLM;
  readonly tokenizer: Tokenizer;
}

/** Opens the model of `--model`, or the default model, with the vocabulary of the adapter in this folder. */
export async function openModel(args: CommandArguments, { stderr }: Streams, adapter?: string): Promise<OpenModel> {
  const quantize = args.choice('quantize', ['q4_1', 'int8', 'nf4']);
  const path = modelPath(args, stderr);
  const tokenizer = await Tokenizer.fromPretrained(path);
  const progress = new ProgressLine(args, stderr);
  const work = `loading ${printableMessage(nodePath.basename(path))}`;
  const onProgress = ({ done, total }: LoadProgress) => progress.count(work, { done, total, as: 'percent' });
  const model = await LlamaForCausalLM.fromPretrained(path, { quantize, onProgress });
  progress.clear();
  try {
    return { path, model, tokenizer: await fitVocabulary({ model, tokenizer }, adapter) };
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/**
 * Refuses a path that holds no model before data are read, which can take minutes.
 *
 * @throws FormatError or UnsupportedError with what is there instead.
 */
export function checkModel(args: CommandArguments): void {
  modelPlace(args.text('model') ?? defaultModelPath());
}

/** The path of `--model`, or of the default model. The default is reported, because the folder or environment may have chosen it. */
export function modelPath(args: CommandArguments, stderr: Streams['stderr']): string {
  const given = args.text('model');
  if (given !== undefined) return given;
  const path = defaultModelPath();
  const origin = process.env.MODEL ? 'from the environment variable MODEL' : 'the default; choose another with --model';
  if (!args.isOn('quiet')) stderr.write(`model: ${printableMessage(path)} (${origin})\n`);
  return path;
}

export function isAdapter(folder: string): boolean {
  return fs.existsSync(nodePath.join(folder, 'adapter_config.json'));
}
