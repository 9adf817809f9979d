export * from './linear';
export * from './module';
