export * from './deviceInfo';
export * from './errors';
export * from './random';
export { SetupError, tf } from './tensorflow';
