/** Replaces `../compile/graphSupport`: a browser has no graphs, so compiled functions run operation by operation there. */
export function buildsGraphs(): boolean {
  return false;
}
