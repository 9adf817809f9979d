/** The progress of a review and its remaining time. */
import { duration } from 'lowrank/internal';
import type { ReviewTask } from '../prompts';

interface TaskSoFar {
  /** Hunks given to this task, out of the `hunks` that had arrived by then. */
  asked: number;
  hunks: number;
  answered: number;
  seconds: number;
}

/** Measures how long each task takes per answer, and which share of the hunks reaches each task. */
export class ReviewMeter {
  private readonly soFar = new Map<ReviewTask, TaskSoFar>();
  private hunks = 0;
  private reviewed = 0;
  private current: ReviewTask | undefined;
  private doneBefore = 0;
  private toldAt = performance.now();

  /**
   * @param total - number of hunks to review
   * @param tasks - tasks in the order in which they run
   */
  constructor(
    private readonly total: number,
    private readonly tasks: readonly ReviewTask[],
  ) {}

  /** Records that a task has answered `done` of `count` hunks in a group, and returns the status line. */
  answered(task: ReviewTask, done: number, count: number): string {
    const now = performance.now();
    const isNew = task !== this.current || done <= this.doneBefore;
    if (isNew) this.doneBefore = 0;
    if (isNew && task === this.tasks[0]) this.hunks += count;
    const { asked, answered, seconds } = this.soFar.get(task) ?? { asked: 0, answered: 0, seconds: 0 };
    this.soFar.set(task, {
      asked: isNew ? asked + count : asked,
      hunks: this.hunks,
      answered: answered + done - this.doneBefore,
      seconds: seconds + (now - this.toldAt) / 1000,
    });
    [this.current, this.doneBefore, this.toldAt] = [task, done, now];
    return `${this.reviewed} of ${this.total} hunks reviewed · ${task} ${done} of ${count} · ${this.timeLeft()} left`;
  }

  /** Records the number of hunks that have finished all tasks. */
  finished(hunks: number): void {
    this.reviewed = hunks;
    this.current = undefined;
  }

  /** A lower bound, because a task that has not started yet is not counted. */
  private timeLeft(): string {
    let seconds = 0;
    for (const { asked, hunks, answered, seconds: taken } of this.soFar.values()) {
      const expected = (asked / hunks) * this.total;
      seconds += (taken / answered) * Math.max(0, expected - answered);
    }
    return `${this.tasks.every((task) => this.soFar.has(task)) ? '' : 'at least '}${duration(seconds)}`;
  }
}
