/** The theme of all figures, readable on white and dark backgrounds. */

/** Colour of text, axes and rules, with the same contrast, 4.3, against white and against JupyterLab's dark background. */
export const INK = '#797979';
/** Colour of grid lines, which lie behind everything. */
export const GRID = '#8884';

/**
 * Colours of series that are not methods, such as projections and tasks; methods have their own in `METHOD_STYLES`. They stay distinct with
 * any common colour blindness, and each has a contrast of at least 3 against white and against JupyterLab's dark background.
 */
export const SERIES_COLOURS = ['#1288a0', '#c2517f', '#8a7a2a', '#6d6fae', '#4f8f3a', '#a8643c'] as const;

/** The strong end of a scale from nothing to much. Nothing is transparent, so a map has the colour of the page there. */
export const STRONG = '#1288a0';
/** From nothing to much. */
export const SEQUENTIAL = ['rgba(18,136,160,0)', STRONG] as const;
/** From negative through 0, which is transparent, to positive. */
export const DIVERGING = ['#2277cc', 'rgba(128,128,128,0)', '#dd6611'] as const;

/** Dashes of the same series, a second code without colour. */
export const SERIES_DASHES = [
  [1, 0],
  [6, 3],
  [2, 2],
  [8, 3, 2, 3],
  [12, 4],
  [4, 1],
] as const;
export const SERIES_SHAPES = ['circle', 'square', 'triangle-up', 'diamond', 'cross', 'triangle-down'] as const;

/**
 * The Vega-Lite configuration of every figure. Without a canvas, text widths are estimates; label widths are therefore limited and
 * paddings fixed.
 */
export const figureConfig = {
  background: 'transparent',
  padding: 8,
  font: 'sans-serif',
  view: { stroke: null },
  mark: { color: SERIES_COLOURS[0], aria: false },
  text: { color: INK, fontSize: 11 },
  rule: { color: INK },
  title: { color: INK, subtitleColor: INK, anchor: 'start', fontSize: 13, fontWeight: 600, subtitleFontSize: 11, offset: 12 },
  axis: {
    labelColor: INK,
    titleColor: INK,
    domainColor: INK,
    tickColor: INK,
    gridColor: GRID,
    labelLimit: 260,
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: 'normal',
    titlePadding: 8,
    aria: false,
  },
  header: { labelColor: INK, titleColor: INK },
  legend: {
    labelColor: INK,
    titleColor: INK,
    labelLimit: 260,
    titleLimit: 260,
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: 'normal',
    aria: false,
  },
} as const;
