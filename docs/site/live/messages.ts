/** What a page and the worker that runs its cells tell each other. */

/** A display as MIME type → content. */
export type Bundle = Readonly<Record<string, unknown>>;

/** A place that later displays of the same id replace. */
export interface Area {
  readonly id: string;
  readonly isUpdate: boolean;
}

/** To the worker: run a cell's program. */
export interface RunMessage {
  readonly program: string;
}

/** From the worker. */
export type WorkerMessage =
  | { readonly kind: 'ready'; readonly milliseconds: number }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'display'; readonly bundle: Bundle; readonly area?: Area }
  | { readonly kind: 'files'; readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>> }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'done' };
