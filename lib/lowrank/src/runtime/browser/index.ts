/** The names that a page in a browser imports from this library besides the public ones. */
export { keptFiles } from './node/fs';
