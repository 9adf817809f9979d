/** All drawings of the course, by the name of their file. */
import { adapterFolder } from './adapters/adapterFolder';
import { combiningAdapters } from './adapters/combiningAdapters';
import { choosing } from './comparison/choosing';
import { fairComparison } from './comparison/fairComparison';
import { firstStep } from './comparison/firstStep';
import { matchingRuns } from './comparison/matchingRuns';
import { compiledStep } from './cost/compiledStep';
import { dataParallel } from './cost/dataParallel';
import { ringSum } from './cost/ringSum';
import { roofline } from './cost/roofline';
import { trainingMemory } from './cost/trainingMemory';
import { courseMap } from './courseMap';
import type { Drawing } from './kit/shapes';
import { deadAdapters } from './methods/deadAdapters';
import { effectiveRank } from './methods/effectiveRank';
import { loraGradients } from './methods/loraGradients';
import { loraUpdate } from './methods/loraUpdate';
import { prefixSoftmax } from './methods/prefixSoftmax';
import { transformerLayer } from './methods/transformerLayer';
import { promptStrip } from './reviews/promptStrip';
import { reviewPipeline } from './reviews/reviewPipeline';

export const DRAWINGS: Readonly<Record<string, () => Drawing | Promise<Drawing>>> = {
  'course-map': courseMap,
  'training-memory': trainingMemory,
  'transformer-layer': transformerLayer,
  'lora-update': loraUpdate,
  'lora-gradients': loraGradients,
  'prefix-softmax': prefixSoftmax,
  'prompt-strip': promptStrip,
  'adapter-folder': adapterFolder,
  'combining-adapters': combiningAdapters,
  'review-pipeline': reviewPipeline,
  'compiled-step': compiledStep,
  'data-parallel': dataParallel,
  roofline,
  'matching-runs': matchingRuns,
  'effective-rank': effectiveRank,
  'fair-comparison': fairComparison,
  'first-step': firstStep,
  'ring-sum': ringSum,
  choosing,
  'dead-adapters': deadAdapters,
};
