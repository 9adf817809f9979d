export * from './attentionMap';
export * from './groupedBars';
export { type HeatmapPanel, type HeatmapsOptions, heatmaps } from './heatmaps';
export { type LinePlotOptions, type LinePoint, type LineSeries, linePlot, pointPlot } from './linePlot';
export * from './lossCurve';
export * from './panels';
export * from './parameterBars';
export * from './stackedBars';
export * from './tradeoffBubbles';
