/** In place of `../kernel` on a page: what runs the cells there takes the displays, under a name of its own. */
import type { MimeBundle } from '../bundle';
import type { DisplayArea } from '../kernel';

/** The function of the global object that shows a bundle on the page. */
const DISPLAY = Symbol.for('lowrank.display');

export function isKernelAttached(): boolean {
  return typeof Reflect.get(globalThis, DISPLAY) === 'function';
}

/** Displays a bundle below the running cell. Where nobody takes it, prints its plain text. */
export function displayBundle(bundle: MimeBundle, area?: DisplayArea): void {
  const display: unknown = Reflect.get(globalThis, DISPLAY);
  if (typeof display === 'function') display(bundle, area);
  else console.log(bundle['text/plain'] ?? '');
}
