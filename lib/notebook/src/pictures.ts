/** The pictures of a figure, for viewers that cannot draw it. */
import type { MimeBundle } from './bundle';
import { renderSvg } from './svg';

/**
 * A transparent 1 × 1 image. JupyterLab's renderer adds a PNG of each chart to the document unless it finds one, so opening a notebook
 * would mark it as changed and saving it would add pictures. All other readers prefer the SVG to a PNG: nbconvert's order, which code
 * hosts use too.
 */
const NO_PICTURE = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAAC0lEQVR42mNgAAIAAAUAAen63NgAAAAASUVORK5CYII=';

/** The figure as pictures, by their types. */
export async function pictures(spec: object, sentence: string): Promise<MimeBundle> {
  return { 'image/png': NO_PICTURE, 'image/svg+xml': await renderSvg(spec, sentence) };
}
