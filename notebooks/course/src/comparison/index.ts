/** The comparison of LoRA and prefix, read from its results file. */
export { Comparison, type Measure } from './comparison';
export { METRICS, numberText } from './metrics';
