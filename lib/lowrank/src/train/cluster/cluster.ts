/** A cluster as one of its workers uses it. */
import { AbortedError, StateError, tf } from '../../runtime';
import { reasonOf } from '../../runtime/messages/reasonOf';
import { clusterBinding } from './clusterBinding';
import { type Communication, collectiveSum } from './collectiveReduce';
import { type BrokenCluster, findLost, findUnreachable, tellAll } from './findLost';
import { WorkerLostError } from './workerLostError';

/** Settings that are fixed when a worker joins. */
interface Membership {
  readonly rank: number;
  /** By rank. */
  readonly addresses: readonly string[];
  /** How long the others may let this one wait, in seconds. */
  readonly timeout: number;
  readonly communication: Communication;
}

/** A joint operation has failed; the worker to blame is found later. */
class TogetherError extends Error {
  override readonly name = 'TogetherError';
}

/** Collectives of one size cycle through this many numbers, so none meets the one before it. */
const TURNS = 4;

/** Made by `joinCluster`, once in a process. */
export class Cluster {
  /** The number of this worker, from 0. */
  readonly rank: number;
  /** How many workers there are. */
  readonly size: number;
  /** `host:port` of each worker by rank. */
  readonly addresses: readonly string[];
  private readonly timeout: number; // ms
  private readonly communication: Communication;
  private readonly lengths = new Map<number, number>(); // the number of sums of each length so far
  private meetings = 0;
  private works = 0; // that run now, one within the other
  private partings = 0;
  private failure: Error | undefined;
  private knownToAll: Error | undefined;
  private brokenSum: Error | undefined;

  /** @internal */
  constructor({ rank, addresses, timeout, communication }: Membership) {
    this.rank = rank;
    this.size = addresses.length;
    this.addresses = addresses;
    this.timeout = timeout * 1000;
    this.communication = communication;
  }

  /** Whether this is worker 0, which writes for all. */
  get isFirst(): boolean {
    return this.rank === 0;
  }

  /** Whether it does work of all workers, before which they have compared their facts. @internal */
  get isTogether(): boolean {
    return this.works > 0;
  }

  /** The name of a worker in messages. */
  nameOf(rank: number): string {
    return `worker ${rank} (${this.addresses[rank] ?? 'unknown'})`;
  }

  /**
   * The sum over all workers, the same bits in each of them. Waits for the others and blocks the process.
   *
   * NCCL may return a sum that was broken off as if it were whole: the values have to show that every worker is in it.
   *
   * Shapes: (n), float32 → (n).
   *
   * @internal
   */
  sum(values: tf.Tensor): tf.Tensor {
    const key = this.keyOf(values.size);
    clusterBinding().clusterWatch(this.timeout);
    try {
      return collectiveSum(values, { size: this.size, key, communication: this.communication });
    } catch (cause) {
      throw new TogetherError(reasonOf(cause), { cause });
    } finally {
      clusterBinding().clusterWatch(0);
    }
  }

  /** The sums of these numbers over all workers. @internal */
  sumOf(numbers: readonly number[]): number[] {
    const [workers, ...sums] = tf.tidy(() => Array.from(this.sum(tf.tensor1d([1, ...numbers])).dataSync()));
    if (workers !== this.size) throw new TogetherError(`a sum over ${this.size} workers was broken off`);
    return sums;
  }

  /** Worker 0's text, in all workers. @internal */
  async fromFirst(text: string): Promise<string> {
    const key = this.keyHere('from-first');
    if (this.isFirst) await this.tell(key, text);
    this.meet();
    return this.told(key);
  }

  /** The texts of all workers by rank, in worker 0; none in the others. @internal */
  async toFirst(text: string): Promise<string[]> {
    const key = this.keyHere('to-first');
    await this.tell(`${key}/${this.rank}`, text);
    this.meet();
    const texts: string[] = [];
    for (let rank = 0; this.isFirst && rank < this.size; rank++) texts.push(await this.told(`${key}/${rank}`));
    return texts;
  }

  /** Tells all workers a text, under a key that is used once. @internal */
  async tell(key: string, text: string): Promise<void> {
    await this.attempt(() => clusterBinding().clusterSet(key, text));
  }

  /** A text that one of the workers tells, now or within the time-out. @internal */
  told(key: string): Promise<string> {
    return this.attempt(() => clusterBinding().clusterGet(key, this.timeout));
  }

  /** A key of this point of the work: the same in all workers, and another one after they have met again. @internal */
  keyHere(name: string): string {
    return `${name}-${this.meetings}`;
  }

  /** Waits until all workers are here. It uses a sum, which ends at once when a worker fails; TensorFlow's barriers do not. @internal */
  meet(): void {
    this.meetings++;
    this.sumOf([]);
  }

  /**
   * Does work that all workers do together. Where it fails here, the others learn why; where another worker fails or is lost, the error
   * names it.
   *
   * @throws WorkerLostError when another worker is to blame; what the work throws, when this one is.
   * @internal
   */
  async together<T>(work: () => Promise<T>): Promise<T> {
    if (this.failure) throw new StateError(`this cluster has ended (${this.failure.message}); restart all workers`);
    this.works++;
    try {
      const result = await work();
      await this.part();
      return result;
    } catch (error) {
      const lost = error === this.brokenSum ? await this.lostIn(error) : undefined;
      if (lost) {
        this.failure = lost;
        throw lost;
      }
      if (error instanceof AbortedError || error === this.knownToAll) {
        await this.part(); // all workers throw it
        this.failure = this.knownToAll; // none after a stop
        throw error;
      }
      if (error instanceof WorkerLostError) throw error; // from within
      const reported = error instanceof TogetherError ? await this.blamed(error) : await this.reported(error);
      this.failure = reported instanceof Error ? reported : new Error(reasonOf(reported));
      throw reported;
    } finally {
      this.works--;
    }
  }

  /** Records an error that every worker throws at this point: none has to be told, and none leaves before the others know. @internal */
  thrownByAll<E extends Error>(error: E): E {
    this.knownToAll = error;
    return error;
  }

  /** The same for values of a {@link sum} that cannot be right: every worker has them, unless the sum was broken off. @internal */
  wrongSum<E extends Error>(error: E): E {
    this.brokenSum = error;
    return this.thrownByAll(error);
  }

  /**
   * Waits until no other worker needs this one: the process may end next, and would take along what another has not received of the last
   * sum. Whoever is lost here has done its part, so that is no failure.
   */
  private async part(): Promise<void> {
    if (this.works > 1) return; // within other work
    const key = `parted-${this.partings++}`;
    try {
      await this.tell(`${key}/${this.rank}`, '');
      if (!this.isFirst) return void (await this.told(key));
      for (let rank = 0; rank < this.size; rank++) await this.told(`${key}/${rank}`);
      await this.tell(key, '');
    } catch (error) {
      if (!(error instanceof TogetherError)) throw error;
    }
  }

  private async reported(error: unknown): Promise<unknown> {
    await tellAll(this.rank, `${this.nameOf(this.rank)}: ${reasonOf(error)}`, this.timeout);
    return error;
  }

  private async blamed(error: TogetherError): Promise<WorkerLostError> {
    const { rank, size, timeout } = this;
    const broken: BrokenCluster = { rank, size, timeout, reason: error.message, meeting: this.point() };
    const { workers, how } = await findLost(broken, (each) => this.nameOf(each));
    return new WorkerLostError(workers, how, { cause: error });
  }

  private async lostIn(brokenSum: unknown): Promise<WorkerLostError | undefined> {
    const { rank, size, timeout } = this;
    const blame = await findUnreachable({ rank, size, timeout }, (each) => this.nameOf(each));
    return blame && new WorkerLostError(blame.workers, blame.how, { cause: brokenSum });
  }

  /** Identifies this point of the work: the same text in all workers. */
  private point(): string {
    return `${this.meetings}-${Array.from(this.lengths.values()).join('-')}`;
  }

  private async attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw new TogetherError(reasonOf(cause), { cause });
    }
  }

  /** The same in all workers, for they make the same sums in the same order. */
  private keyOf(length: number): number {
    const before = this.lengths.get(length) ?? 0;
    this.lengths.set(length, before + 1);
    const index = Array.from(this.lengths.keys()).indexOf(length);
    return 1 + index * TURNS + (before % TURNS);
  }
}
