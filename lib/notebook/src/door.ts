/** What `import 'lowrank-notebook'` runs: the functions of index.ts behind a check of what they are given. */
import { behindDoor } from 'lowrank/internal';
import * as notebook from './index';

export * from './index';

export const {
  attentionMap,
  figure,
  groupedBars,
  heatmaps,
  linePlot,
  lossCurve,
  lossCurves,
  methodColor,
  panels,
  parameterBars,
  pointPlot,
  progress,
  scorePlot,
  show,
  stackedBars,
  table,
  tradeoffBubbles,
} = behindDoor(notebook, {
  attentionMap: ['panels: {weights: list}[]'],
  figure: ['view: object', 'sentence: text'],
  groupedBars: ['bars: object[]', 'options: object'],
  heatmaps: ['panels: {values: list}[]'],
  linePlot: ['series: object[]', 'options: {xTitle?: text, yTitle?: text}'],
  lossCurve: ['series: {points: list}[]', 'options?: object'],
  lossCurves: ['runs: object[]'],
  methodColor: ['name: text'],
  panels: ['figures: {view}[]'],
  parameterBars: ['bars: object[]'],
  pointPlot: ['series: object[]', 'options: {xTitle?: text, yTitle?: text}'],
  progress: ['options: {label?: text, total?: number}'],
  scorePlot: ['scores: object[]', 'options: object'],
  show: ['value: anything'],
  stackedBars: ['parts: object[]', 'options: {xTitle?: text}'],
  table: ['value: anything'],
  tradeoffBubbles: ['bubbles: object[]', 'options: object'],
});
