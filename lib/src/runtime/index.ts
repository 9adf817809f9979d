export * from './deviceInfo';
export * from './errors';
export { SetupError, tf } from './tensorflow';
