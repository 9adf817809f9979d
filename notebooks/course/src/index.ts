/** Code that belongs to the course and not to the library. */
export { defaultModelPath } from 'lowrank/internal';
export { type CheckOptions, check } from './check';
export * from './comparison';
export * from './figures';
export { type GateSweep, gateSweep, mostSpreadHead, type ReadLayer } from './gateSweep';
export { inProcess, type Outcome } from './inProcess';
export { type AttentiveModel, lastAttention } from './lastAttention';
export { type LayerBarsOptions, type LayerValue, layerBars } from './layerBars';
export { largest, norm, singularValues } from './measures';
export { SourcePrefixAttention } from './sourcePrefixAttention';
