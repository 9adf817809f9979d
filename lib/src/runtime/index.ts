export { type CompiledFunction, type CompileOptions, compile } from './compile/compile';
export { isTracing } from './compile/trace';
export * from './deviceInfo';
export * from './errors';
export * from './random';
export { SetupError, tf } from './tensorflow';
