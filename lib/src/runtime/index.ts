export { type CompiledFunction, type CompileOptions, compile } from './compile/compile';
export { compileNested } from './compile/compileNested';
export { isRecording } from './compile/internals';
export type { FunctionReport } from './compile/program';
export { isTracing } from './compile/trace';
export * from './deviceInfo';
export * from './errors';
export * from './random';
export { SetupError, tf } from './tensorflow';
