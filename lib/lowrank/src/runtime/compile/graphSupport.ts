import { warn } from '../messages/warn';
import { canBuildGraphs } from './tfjsInternals';

let hasWarned = false;

/** Whether compiled functions become graphs. tfjs's own binding cannot build them; one warning says so. */
export function buildsGraphs(): boolean {
  if (canBuildGraphs()) return true;
  if (!hasWarned) warn('compile: the native binding cannot build graphs, so functions run operation by operation; run `make setup`');
  hasWarned = true;
  return false;
}
