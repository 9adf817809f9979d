export * from './attentionMap';
export * from './groupedBars';
export { type HeatmapPanel, type HeatmapsOptions, heatmaps } from './heatmaps';
export * from './linePlot';
export * from './lossCurve';
export * from './panels';
export * from './parameterBars';
export * from './tradeoffBubbles';
