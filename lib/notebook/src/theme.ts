/** The theme of all figures, readable on white and dark backgrounds. */

/** Colour of text, axes and rules, with a contrast of 4.5 against both white and black. */
export const INK = '#767676';
/** Colour of grid lines, which lie behind everything. */
export const GRID = '#8884';

/**
 * Series colours that stay distinct with any common colour blindness (after Okabe and Ito; no red beside green). Each has a contrast of
 * at least 3 against white and against JupyterLab's dark background.
 */
export const SERIES_COLOURS = ['#0072b2', '#d55e00', '#aa5fa0', '#7a7a7a', '#2a8fa8', '#a07000'] as const;

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
    labelLimit: 200,
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: 'normal',
    titlePadding: 8,
    aria: false,
  },
  header: { labelColor: INK, titleColor: INK },
  legend: { labelColor: INK, titleColor: INK, labelLimit: 240, titleLimit: 240, titleFontWeight: 'normal', aria: false },
} as const;
