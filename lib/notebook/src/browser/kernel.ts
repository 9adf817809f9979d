/** Replaces `../kernel` on a page: a global function passes the displays to the program that runs the cells. */
import type { MimeBundle } from '../bundle';
import type { DisplayArea } from '../kernel';

/** The function of the global object that shows a bundle on the page. */
const DISPLAY = Symbol.for('lowrank.display');

export function isKernelAttached(): boolean {
  return typeof Reflect.get(globalThis, DISPLAY) === 'function';
}

/** Displays a bundle below the running cell. Without such a program, prints its plain text. */
export function displayBundle(bundle: MimeBundle, area?: DisplayArea): void {
  const display: unknown = Reflect.get(globalThis, DISPLAY);
  if (typeof display === 'function') display(bundle, area);
  else console.log(bundle['text/plain'] ?? '');
}
