/** How far a review is, and how long it will still take. */
import { duration } from 'lowrank/internal';
import type { ReviewTask } from '../prompts';

/** What is known of a task by now. */
interface TaskSoFar {
  /** Hunks that were asked about, of `hunks` that had come by then. */
  asked: number;
  hunks: number;
  answered: number;
  seconds: number;
}

/** Measures how long an answer takes in each task, and how many of the hunks get that far. */
export class ReviewMeter {
  private readonly soFar = new Map<ReviewTask, TaskSoFar>();
  private hunks = 0;
  private reviewed = 0;
  private current: ReviewTask | undefined;
  private doneBefore = 0;
  private toldAt = performance.now();

  /**
   * @param total - hunks to review
   * @param tasks - what is asked about them, in this order
   */
  constructor(
    private readonly total: number,
    private readonly tasks: readonly ReviewTask[],
  ) {}

  /** Takes in that `done` of `count` hunks of a group are answered in a task, and gives the line that says so. */
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

  /** Takes in how many hunks are through all tasks. */
  finished(hunks: number): void {
    this.reviewed = hunks;
    this.current = undefined;
  }

  /** A task that has not begun yet is not counted, so that it is at least so long. */
  private timeLeft(): string {
    let seconds = 0;
    for (const { asked, hunks, answered, seconds: taken } of this.soFar.values()) {
      const expected = (asked / hunks) * this.total;
      seconds += (taken / answered) * Math.max(0, expected - answered);
    }
    return `${this.tasks.every((task) => this.soFar.has(task)) ? '' : 'at least '}${duration(seconds)}`;
  }
}
