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
  attentionMap: ['panels: list'],
  figure: ['view: anything', 'sentence: anything'],
  groupedBars: ['bars: list', 'options: object'],
  heatmaps: ['panels: list'],
  linePlot: ['series: list', 'options: object'],
  lossCurve: ['series: list'],
  lossCurves: ['runs: list'],
  methodColor: ['name: text'],
  panels: ['figures: list'],
  parameterBars: ['bars: list'],
  pointPlot: ['series: list', 'options: object'],
  progress: ['options: object'],
  scorePlot: ['scores: list', 'options: object'],
  show: ['value: anything'],
  stackedBars: ['parts: list', 'options: object'],
  table: ['value: anything'],
  tradeoffBubbles: ['bubbles: list', 'options: object'],
});
