/** The model and the adapters that a command names. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { defaultModelPath, LlamaForCausalLM, type LoadProgress, Tokenizer } from '../llama';
import { PeftModel } from '../peft';
import { readAdapterConfig } from '../peft/files/adapterConfigFile';
import type { ReviewerModel, ReviewTask } from '../review';
import { StateError } from '../runtime';
import { printableMessage } from '../runtime/printable';
import type { CommandArguments } from './commandArguments';
import { ProgressLine } from './progressLine';
import type { Streams } from './streams';
import { UsageError } from './usageError';

/** A model and its tokenizer; the caller disposes the model. */
export interface OpenModel {
  readonly path: string;
  readonly model: LlamaForCausalLM;
  readonly tokenizer: Tokenizer;
}

/** Opens what `--model` names, else the default model. */
export async function openModel(args: CommandArguments, { stderr }: Streams): Promise<OpenModel> {
  const quantize = args.choice('quantize', ['q4_1', 'int8', 'nf4']);
  const path = modelPath(args, stderr);
  const tokenizer = await Tokenizer.fromPretrained(path);
  const progress = new ProgressLine(args, stderr);
  const work = `loading ${printableMessage(nodePath.basename(path))}`;
  const onProgress = ({ done, total }: LoadProgress) => progress.count(work, { done, total, as: 'percent' });
  const model = await LlamaForCausalLM.fromPretrained(path, { quantize, onProgress });
  progress.clear();
  return { path, tokenizer, model };
}

/** What `--model` names, else the default model; that one is said, since what a folder or the environment holds may have chosen it. */
export function modelPath(args: CommandArguments, stderr: Streams['stderr']): string {
  const given = args.text('model');
  if (given !== undefined) return given;
  const path = defaultModelPath();
  const origin = process.env.MODEL ? 'named by the variable MODEL' : 'the default; --model takes another';
  if (!args.isOn('quiet')) stderr.write(`model: ${printableMessage(path)} (${origin})\n`);
  return path;
}

/** The folder of a task's adapter: `DIR/TASK`, or DIR where that is an adapter itself; undefined where there is none. */
export function adapterFolder(directory: string, task: ReviewTask): string | undefined {
  return [nodePath.join(directory, task), directory].find(isAdapter);
}

/** Whether a folder holds an adapter. */
export function isAdapter(folder: string): boolean {
  return fs.existsSync(nodePath.join(folder, 'adapter_config.json'));
}

/** The tasks that a folder of adapters has one for. @throws UsageError when there is none. */
export function tasksOf(directory: string): ReviewTask[] {
  const tasks = (['necessity', 'comment', 'refinement'] as const).filter((task) => isAdapter(nodePath.join(directory, task)));
  if (tasks.length > 0) return tasks;
  throw new UsageError(`--adapter ${directory} has no folder necessity, comment or refinement with an adapter in it`);
}

/** One base model whose adapter is exchanged from task to task; adapters are read once. */
export class TaskAdapters {
  private peft: PeftModel | undefined;

  constructor(
    private readonly base: LlamaForCausalLM,
    private readonly directory: string,
    private readonly tasks: readonly ReviewTask[],
  ) {}

  /** The model with this task's adapter active; undefined when there is none. */
  use(task: ReviewTask): ReviewerModel | undefined {
    if (!this.tasks.includes(task)) return undefined;
    const folder = nodePath.join(this.directory, task);
    if (!this.peft) this.peft = PeftModel.fromPretrained(this.base, folder, { adapterName: task });
    else if (!(task in this.peft.peftConfig)) this.add(folder, task);
    this.peft.setAdapter(task);
    return this.peft;
  }

  private add(folder: string, task: ReviewTask): void {
    if (!this.peft) throw new StateError('there is no adapter to add another to');
    if (readAdapterConfig(folder).peftType === this.peft.peftType) this.peft.loadAdapter(folder, { adapterName: task });
    else {
      this.peft.unload(); // a model has adapters of one kind at a time
      this.peft = PeftModel.fromPretrained(this.base, folder, { adapterName: task });
    }
  }
}
