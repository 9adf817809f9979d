/** All drawings of the course, by the name of their file. */
import { adapterFolder } from './adapterFolder';
import { choosing } from './choosing';
import { combiningAdapters } from './combiningAdapters';
import { compiledStep } from './compiledStep';
import { courseMap } from './courseMap';
import { dataParallel } from './dataParallel';
import { deadAdapters } from './deadAdapters';
import { effectiveRank } from './effectiveRank';
import { fairComparison } from './fairComparison';
import { firstStep } from './firstStep';
import type { Drawing } from './kit/shapes';
import { loraUpdate } from './loraUpdate';
import { matchingRuns } from './matchingRuns';
import { prefixSoftmax } from './prefixSoftmax';
import { promptStrip } from './promptStrip';
import { reviewPipeline } from './reviewPipeline';
import { ringSum } from './ringSum';
import { roofline } from './roofline';
import { trainingMemory } from './trainingMemory';
import { transformerLayer } from './transformerLayer';

export const DRAWINGS: Readonly<Record<string, () => Drawing | Promise<Drawing>>> = {
  'course-map': courseMap,
  'training-memory': trainingMemory,
  'transformer-layer': transformerLayer,
  'lora-update': loraUpdate,
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
