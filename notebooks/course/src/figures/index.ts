/** Figures that move, without a kernel. */
export { type AttentionExplorerOptions, attentionExplorer } from './attentionExplorer';
export { type GateExplorerOptions, gateExplorer } from './gateExplorer';
export { type MemoryExplorerOptions, type MemoryMethod, type MemoryModel, memoryExplorer } from './memoryExplorer';
export { type LoraFactors, type RankExplorerOptions, rankExplorer } from './rankExplorer';
export { type RateHeatmapOptions, type RateRun, rateHeatmap } from './rateHeatmap';
export { type TaskCost, type TaskStorageOptions, taskStorage } from './taskStorage';
export { type ThresholdExplorerOptions, thresholdExplorer } from './thresholdExplorer';
