export { type CompiledFunction, compile } from './compile/compile';
export { compileNested } from './compile/compileNested';
export type { CompileOptions } from './compile/compileOptions';
export type { Precision } from './compile/graphBuilder';

export type { FunctionReport } from './compile/program';
export { isRecording } from './compile/tfjsInternals';
export { isTracing } from './compile/trace';
export * from './deviceInfo';
export * from './deviceName';
export * from './errors';
export type { MemoryPlan, MemoryTerm } from './memoryBudget';
export { memoryPlan } from './memoryBudget';
export * from './random';
export { SetupError } from './setupError';
export type { LineStream } from './statusLine';
export { tf } from './tensorflow';
