/** The worker that runs the cells of this page: started at the first of them, and ended to stop one. */
import type { RunMessage, WorkerMessage } from './messages.ts';

/** What a running cell tells. */
type Listener = (message: WorkerMessage) => void;

export class Engine {
  private worker: Worker | undefined;
  private listener: Listener | undefined;
  private end: ((hasFinished: boolean) => void) | undefined;

  /** @param script - the worker's whole code: a page that is read from a disk may start no worker from a file */
  constructor(private readonly script: string) {}

  /** Whether anything has run since the worker was started: what cells declare lives as long as it. */
  get isStarted(): boolean {
    return this.worker !== undefined;
  }

  /** Runs a cell's program; gives false where it was stopped. */
  run(program: string, listener: Listener): Promise<boolean> {
    const worker = this.worker ?? this.started();
    this.listener = listener;
    const message: RunMessage = { program };
    worker.postMessage(message);
    return new Promise((resolve) => {
      this.end = resolve;
    });
  }

  /** Ends the worker, and with it all that cells have declared. */
  stop(): void {
    this.worker?.terminate();
    this.worker = undefined;
    this.finish(false);
  }

  private started(): Worker {
    const place = URL.createObjectURL(new Blob([this.script], { type: 'text/javascript' }));
    const worker = new Worker(place);
    worker.addEventListener('message', ({ data }: MessageEvent<WorkerMessage>) => {
      if (data.kind === 'done') this.finish(true);
      else this.listener?.(data);
    });
    worker.addEventListener('error', ({ message }) => {
      this.listener?.({ kind: 'failed', message: `The worker has ended: ${message || 'this device may have too little memory'}` });
      this.stop();
    });
    this.worker = worker;
    return worker;
  }

  private finish(hasFinished: boolean): void {
    const { end } = this;
    this.end = undefined;
    this.listener = undefined;
    end?.(hasFinished);
  }
}
