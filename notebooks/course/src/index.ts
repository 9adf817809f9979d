/** Code that belongs to the course and not to the library. */
export { defaultModelPath } from 'lowrank/internal';
export { type CheckOptions, check } from './check';
export { SourcePrefixAttention } from './sourcePrefixAttention';
