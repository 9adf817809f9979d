/** The comparison of LoRA and prefix, read from its results file. */
export { Comparison, type Measure } from './comparison';
export { type DifferencePlotOptions, differencePlot, isShown } from './differencePlot';
export { METRICS, numberText } from './metrics';
