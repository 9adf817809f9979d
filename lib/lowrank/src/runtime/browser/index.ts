/** What a page in a browser takes from this library beside its public names. */
export { keptFiles } from './node/fs';
