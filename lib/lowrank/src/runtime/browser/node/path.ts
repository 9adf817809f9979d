/** Replaces the part of node:path that this library uses. */
import { elseRefused } from './refusing';

/** The parts as one path, without `.` and empty parts. */
function join(...parts: readonly string[]): string {
  const kept = parts
    .join('/')
    .split('/')
    .filter((part) => part !== '' && part !== '.');
  return `${parts[0]?.startsWith('/') ? '/' : ''}${kept.join('/')}`;
}

function dirname(path: string): string {
  const at = path.lastIndexOf('/');
  return at < 0 ? '.' : path.slice(0, at) || '/';
}

function basename(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export default elseRefused('path', { sep: '/', join, dirname, basename });
