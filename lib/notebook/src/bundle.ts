/**
 * One display as MIME type → content, in every format that a client may want.
 *
 * A Jupyter client shows the richest format it supports; a saved notebook keeps all of them.
 */
export interface MimeBundle {
  readonly [mimeType: string]: unknown;
}

/** The property under which an object carries its own display, as in Deno's kernel and nodejs-polars. */
export const displaySymbol: unique symbol = Symbol.for('Jupyter.display');

/** An object that can display itself. */
export interface Displayable {
  /** The display in every format. */
  [displaySymbol](): MimeBundle | Promise<MimeBundle>;
}

/** Whether a value can display itself. */
export function isDisplayable(value: unknown): value is Displayable {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Displayable>)[displaySymbol] === 'function';
}
