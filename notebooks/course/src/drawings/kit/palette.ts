/**
 * The colours of the drawings.
 *
 * A drawing stands on a card of its own, light or dark as the page asks: an image that cannot learn the page's theme, as in JupyterLab, is
 * still legible, because no text stands on the page itself.
 */
import { METHOD_STYLES } from 'lowrank-notebook/internal';

/** The meanings of colours; a method has the same one in every drawing and figure of the course. */
export type Tone = 'card' | 'edge' | 'ink' | 'soft' | 'lora' | 'prefix' | 'full' | 'base' | 'paper';

/** The colour of each tone on a light card and on a dark one. */
export const PALETTE: Readonly<Record<Tone, { readonly light: string; readonly dark: string }>> = {
  card: { light: '#ffffff', dark: '#14171b' },
  edge: { light: '#d5dae0', dark: '#3a4048' },
  ink: { light: '#1f2328', dark: '#e6eaef' },
  soft: { light: '#575e67', dark: '#a9b1bb' },
  lora: inBoth(METHOD_STYLES.LoRA.colour),
  prefix: inBoth(METHOD_STYLES.prefix.colour),
  full: inBoth(METHOD_STYLES.full.colour),
  base: inBoth(METHOD_STYLES.base.colour),
  paper: inBoth(METHOD_STYLES.paper.colour),
};

function inBoth(colour: string) {
  return { light: colour, dark: colour };
}
