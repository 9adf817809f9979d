export { type CompiledFunction, compile } from './compile/compile';
export { compileNested } from './compile/compileNested';
export type { CompileOptions } from './compile/compileOptions';
export type { Precision } from './compile/precision';

export type { FunctionReport } from './compile/program';
export { isRecording } from './compile/tfjsInternals';
export { isTracing } from './compile/tracing/trace';
export * from './device/deviceInfo';
export * from './device/deviceName';
export { tf } from './device/tensorflow';
export * from './errors';
export type { MemoryPlan, MemoryTerm } from './memory/memoryBudget';
export { memoryPlan } from './memory/memoryBudget';
export type { LineStream } from './messages/statusLine';
export * from './random';
export { SetupError } from './setupError';
