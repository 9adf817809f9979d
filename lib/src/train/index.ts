export * from './adamw';
export * from './clipByGlobalNorm';
export * from './schedules';
