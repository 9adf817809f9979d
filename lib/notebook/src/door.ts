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
  attentionMap: ['panels: {title?: text, weights: list}[]', 'options?: {title?: text}'],
  figure: ['view: object', 'sentence: text'],
  groupedBars: ['bars: object[]', 'options: {title?: text, yTitle?: text, groupTitle?: text}'],
  heatmaps: ['panels: {title?: text, values: list}[]', 'options?: {title?: text, rowTitle?: text, columnTitle?: text, valueTitle?: text}'],
  linePlot: ['series: object[]', 'options: {title?: text, xTitle?: text, yTitle?: text}'],
  lossCurve: ['series: {points: list}[]', 'options?: {title?: text, xTitle?: text, yTitle?: text}'],
  lossCurves: ['runs: object[]', 'options?: {title?: text}'],
  methodColor: ['name: text'],
  panels: ['figures: {view}[]', 'options?: {title?: text}'],
  parameterBars: ['bars: object[]', 'options?: {title?: text, unit?: text}'],
  pointPlot: ['series: object[]', 'options: {title?: text, xTitle?: text, yTitle?: text}'],
  progress: ['options: {label?: text, total?: number}'],
  scorePlot: ['scores: object[]', 'options: {title?: text}'],
  show: ['value: anything'],
  stackedBars: ['parts: object[]', 'options: {title?: text, xTitle?: text}'],
  table: ['value: anything'],
  tradeoffBubbles: ['bubbles: object[]', 'options: {title?: text, xTitle?: text, yTitle?: text, sizeTitle?: text}'],
});
