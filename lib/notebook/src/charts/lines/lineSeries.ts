/** The input of `linePlot` and `pointPlot`. */

/** A point of a line, with its interval if it has one. */
export interface LinePoint {
  readonly x: number;
  readonly y: number;
  /** Lower end of the interval, for example over seeds. */
  readonly low?: number;
  /** Upper end of the interval. */
  readonly high?: number;
}

/** One line, or one group of points. */
export interface LineSeries {
  readonly label: string;
  readonly points: readonly LinePoint[];
  /** Draws this series as a line or as points, unlike the others. @defaultValue `line` in `linePlot`, `point` in `pointPlot` */
  readonly mark?: 'line' | 'point';
}

/** Settings of `linePlot` and `pointPlot`; put units into the axis titles. */
export interface LinePlotOptions {
  readonly xTitle: string;
  readonly yTitle: string;
  readonly title?: string;
  readonly xScale?: 'linear' | 'log';
  readonly yScale?: 'linear' | 'log';
  /** Dashed horizontal lines for comparison, for example the loss before training. */
  readonly references?: readonly { readonly label: string; readonly y: number }[];
  /** Dashed vertical lines, for example the longest length that is trained. */
  readonly xReferences?: readonly { readonly label: string; readonly x: number }[];
  /** Names beside the ends of the series, or in a legend. @defaultValue `direct`; `legend` for many or long names */
  readonly labels?: 'direct' | 'legend';
  /** Whether the y axis begins at 0. @defaultValue `false` */
  readonly zero?: boolean;
}

export const LINE_PLOT_OPTIONS = ['xTitle', 'yTitle', 'title', 'xScale', 'yScale', 'references', 'xReferences', 'labels', 'zero'] as const;
