/** Replaces `../svg` on a page. */
import { UnsupportedError } from 'lowrank/errors';

export async function renderSvg(): Promise<never> {
  throw new UnsupportedError('a page cannot save a figure as SVG from code; use the menu beside the figure');
}
