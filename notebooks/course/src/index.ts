/** What is the course's own, and not the library's. */
export { defaultModelPath } from 'lowrank/internal';
export { SourcePrefixAttention } from './sourcePrefixAttention';
