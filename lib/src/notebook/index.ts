export * from './bundle';
export * from './charts';
export * from './figure';
export * from './liveLoss';
export * from './progress';
export * from './show';
export * from './table';
