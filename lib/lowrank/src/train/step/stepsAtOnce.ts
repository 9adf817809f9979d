/** How many updates are in flight at a time. */
import { deviceInfo } from '../../runtime';

/** More would be more than a device needs to have work, and keeps an interrupt waiting. */
const MOST = 8;

/** The number that this process wants: the given one, or on a GPU as many as take a second, after which the host can be interrupted. */
export class StepsAtOnce {
  wanted: number;

  constructor(private readonly given: number | undefined) {
    this.wanted = given ?? 1;
  }

  /** Takes note of the time of one update. */
  measure(seconds: number): void {
    if (this.given !== undefined || deviceInfo().device !== 'GPU') return;
    this.wanted = Math.min(MOST, Math.max(1, Math.floor(1 / seconds)));
  }
}
