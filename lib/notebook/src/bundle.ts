/**
 * One display in every form that a reader's program may want: MIME type → content.
 *
 * A Jupyter client shows the richest form it knows; a saved notebook keeps all of them.
 */
export interface MimeBundle {
  readonly [mimeType: string]: unknown;
}

/** The property under which an object carries its own display, as Deno's kernel and nodejs-polars have it. */
export const displaySymbol: unique symbol = Symbol.for('Jupyter.display');

/** An object that knows how it is shown. */
export interface Displayable {
  /** The forms of its display. */
  [displaySymbol](): MimeBundle | Promise<MimeBundle>;
}

/** Whether a value carries its own display. */
export function isDisplayable(value: unknown): value is Displayable {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Displayable>)[displaySymbol] === 'function';
}
