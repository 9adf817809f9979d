/** Tables, figures and progress for tslab notebooks. */
export type { Displayable, MimeBundle } from './bundle';
export { type AttentionMapOptions, type AttentionPanel, attentionMap } from './charts/attentionMap';
export { type GroupedBar, type GroupedBarsOptions, groupedBars } from './charts/groupedBars';
export { type HeatmapPanel, type HeatmapsOptions, heatmaps } from './charts/heatmaps';
export { type LinePlotOptions, type LinePoint, type LineSeries, linePlot, pointPlot } from './charts/linePlot';
export { type LossCurveOptions, type LossSeries, lossCurve } from './charts/lossCurve';
export { type PanelsOptions, panels } from './charts/panels';
export { type ParameterBar, type ParameterBarsOptions, parameterBars } from './charts/parameterBars';
export { type StackedBarsOptions, type StackedPart, stackedBars } from './charts/stackedBars';
export { type TradeoffBubble, type TradeoffBubblesOptions, tradeoffBubbles } from './charts/tradeoffBubbles';
export { type ChartSpec, type ChartView, type Figure, figure } from './figure';
export { type LiveLoss, type LossState, liveLoss } from './liveLoss';
export { METHOD_STYLES, type Method, type MethodStyle, methodColor, methodOf } from './methods';
export { type EvaluationState, type Progress, type ProgressOptions, type ProgressState, progress } from './progress';
export { show } from './show';
export { type Table, type TableOptions, table } from './table';
export { DIVERGING, GRID, INK, SEQUENTIAL, SERIES_COLOURS, STRONG } from './theme';
