/** In place of `../svg`. */
import { UnsupportedError } from 'lowrank/errors';

export async function renderSvg(): Promise<never> {
  throw new UnsupportedError('a page does not save figures as SVG from code; its menu beside the figure does');
}
