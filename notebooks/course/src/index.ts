/** Code that belongs to the course and not to the library. */
export { defaultModelPath } from 'lowrank/internal';
export { type CheckOptions, check } from './check';
export { Comparison, type DifferencePlotOptions, differencePlot, isShown, METRICS, type Measure, numberText } from './comparison';
export {
  type AttentionExplorerOptions,
  attentionExplorer,
  type GateExplorerOptions,
  gateExplorer,
  type LoraFactors,
  type MemoryExplorerOptions,
  type MemoryMethod,
  type MemoryModel,
  memoryExplorer,
  type RankExplorerOptions,
  type RateHeatmapOptions,
  type RateRun,
  rankExplorer,
  rateHeatmap,
  type TaskCost,
  type TaskStorageOptions,
  type ThresholdExplorerOptions,
  taskStorage,
  thresholdExplorer,
} from './figures';
export { type LayerBarsOptions, type LayerValue, layerBars } from './layerBars';
export { largest, norm, singularValues } from './measures';
export { SourcePrefixAttention } from './sourcePrefixAttention';
