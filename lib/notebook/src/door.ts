/** What `import 'lowrank-notebook'` runs: the functions of index.ts behind a check that nothing they need is missing. */
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
  attentionMap: ['panels'],
  figure: ['view', 'sentence'],
  groupedBars: ['bars', 'options'],
  heatmaps: ['panels'],
  linePlot: ['series', 'options'],
  lossCurve: ['series'],
  lossCurves: ['runs'],
  methodColor: ['name'],
  panels: ['figures'],
  parameterBars: ['bars'],
  pointPlot: ['series', 'options'],
  progress: ['options'],
  scorePlot: ['scores', 'options'],
  show: ['value'],
  stackedBars: ['parts', 'options'],
  table: ['value'],
  tradeoffBubbles: ['bubbles', 'options'],
});
