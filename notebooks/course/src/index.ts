/** Code that belongs to the course and not to the library. */
export { defaultModelPath } from 'lowrank/internal';
export { SourcePrefixAttention } from './sourcePrefixAttention';
