/** The review tasks, and the adapters for them in a folder. */
import nodePath from 'node:path';
import { type LlamaForCausalLM, PeftModel } from 'lowrank';
import { type CommandArguments, isAdapter, namesIn, nearestName, pathKind, readAdapterConfig, UsageError, warn } from 'lowrank/internal';
import { type ReviewTask, reviewTasks } from '../prompts';
import type { ReviewerModel } from '../reviewerModel';
import { checkTrainedTask, trainedLanguageLabel } from '../trainingDataFile';

/** The task of `--task`. @throws UsageError when it is missing or unknown. */
export function taskOf(args: CommandArguments): ReviewTask {
  const task = args.choice('task', reviewTasks, args.required('task'));
  if (!task) throw new UsageError('--task is missing');
  return task;
}

/** The path of the review data: `--data`, or `REVIEW_DATA`; undefined for the lint reviews. */
export function dataPath(args: CommandArguments): string | undefined {
  return args.text('data') ?? (process.env.REVIEW_DATA || undefined);
}

/**
 * The adapter folder for a task: `DIR/TASK`, or DIR if it is itself an adapter; undefined if neither is.
 *
 * @throws ArgumentError when the adapter was trained for another task.
 */
export function adapterFolder(directory: string, task: ReviewTask): string | undefined {
  const folder = [nodePath.join(directory, task), directory].find(isAdapter);
  if (folder !== undefined) checkTrainedTask(folder, task);
  return folder;
}

/**
 * The tasks for which a folder has an adapter. Warns about folders that are left out although they were meant, as far as their names tell.
 *
 * @throws UsageError when it has none; ArgumentError when one was trained for another task.
 */
export function tasksOf(directory: string): ReviewTask[] {
  const tasks = reviewTasks.filter((task) => isAdapter(nodePath.join(directory, task)));
  for (const task of tasks) checkTrainedTask(nodePath.join(directory, task), task);
  const missing = reviewTasks.filter((task) => !tasks.includes(task));
  for (const name of pathKind(directory) === 'folder' ? namesIn(directory) : []) {
    const meant = nearestName(name, missing);
    const path = nodePath.join(directory, name);
    if (meant === name) warn(`${path} holds no finished adapter, so the task ${name} is left out`);
    else if (meant !== undefined && isAdapter(path)) warn(`the adapter in ${path} is left out; did you mean the name ${meant}?`);
  }
  if (tasks.length > 0) return tasks;
  throw new UsageError(`--adapter ${directory} contains no adapter in a folder named necessity, comment or refinement`);
}

/**
 * Whether adapters need prompts that name the language. Warns where nothing tells: a wrong prompt costs quality, which nobody would see.
 *
 * @throws UsageError when some do and some do not.
 */
export function languageLabelOf(folders: readonly string[], { warns = true } = {}): boolean {
  const labels = folders.map(trainedLanguageLabel);
  const which = (wanted: boolean | undefined) => folders.filter((_, index) => labels[index] === wanted).join(', ');
  const isNamed = labels.includes(true);
  if (isNamed && labels.includes(false))
    throw new UsageError(`the adapter ${which(true)} had --language in training, and ${which(false)} had not; train all alike`);
  if (warns && labels.includes(undefined))
    warn(
      `the training_data.json of ${which(undefined)} is from before --language was recorded: the prompts will ${isNamed ? '' : 'not '}name the language; write "languageLabel": true into the file if those of the training did, else false, and leave out its sha256`,
    );
  return isNamed;
}

/** One base model that switches adapters from task to task and loads each adapter once. */
export class TaskAdapters {
  private peft: PeftModel | undefined;

  constructor(
    private readonly base: LlamaForCausalLM,
    private readonly directory: string,
    private readonly tasks: readonly ReviewTask[],
  ) {}

  /** The model with the adapter of this task active; undefined when the folder has none. */
  async use(task: ReviewTask): Promise<ReviewerModel | undefined> {
    if (!this.tasks.includes(task)) return undefined;
    const folder = nodePath.join(this.directory, task);
    const isLoaded = this.peft !== undefined && task in this.peft.peftConfig;
    if (!isLoaded && this.peft?.peftType === readAdapterConfig(folder).peftType) this.peft.loadAdapter(folder, { adapterName: task });
    else if (!isLoaded) {
      this.peft?.unload(); // a model has adapters of one type at a time
      this.peft = await PeftModel.fromPretrained(this.base, folder, { adapterName: task });
    }
    this.peft?.setAdapter(task);
    return this.peft;
  }
}
