/** The tasks, and the adapters of a folder for them. */
import nodePath from 'node:path';
import { type LlamaForCausalLM, PeftModel, StateError } from 'lowrank';
import { type CommandArguments, isAdapter, readAdapterConfig, UsageError } from 'lowrank/internal';
import { type ReviewTask, reviewTasks } from '../prompts';
import type { ReviewerModel } from '../reviewerModel';

/** The task that `--task` names. @throws UsageError when it names none. */
export function taskOf(args: CommandArguments): ReviewTask {
  const task = args.choice('task', reviewTasks, args.required('task'));
  if (!task) throw new UsageError('--task is missing');
  return task;
}

/** The review data that `--data` names, else `REVIEW_DATA`; undefined for the lint reviews. */
export function dataPath(args: CommandArguments): string | undefined {
  return args.text('data') ?? (process.env.REVIEW_DATA || undefined);
}

/** The folder of a task's adapter: `DIR/TASK`, or DIR where that is an adapter itself; undefined where there is none. */
export function adapterFolder(directory: string, task: ReviewTask): string | undefined {
  return [nodePath.join(directory, task), directory].find(isAdapter);
}

/** The tasks that a folder of adapters has one for. @throws UsageError when there is none. */
export function tasksOf(directory: string): ReviewTask[] {
  const tasks = reviewTasks.filter((task) => isAdapter(nodePath.join(directory, task)));
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
