/** Which cells of a notebook a page can run: those that need no file, and nothing of a cell that does. */
import { bindingsOf, freeNames, importsOf, parseCell } from './cellSyntax.ts';

/** What a page lacks, by the name that a cell uses. */
const MISSING_NAMES: Readonly<Record<string, string>> = {
  defaultModelPath: 'SmolLM2',
  readGguf: 'a model file',
  Tokenizer: 'SmolLM2',
};

/** What a page lacks, by the module that a cell imports from. */
const MISSING_MODULES: Readonly<Record<string, string>> = {
  'lowrank-review': 'the code reviews, which ESLint makes',
  'node:fs': 'files',
  'nodejs-polars': 'polars',
  'danfojs-node': 'danfo.js',
};

/** A cell that a page runs, or what keeps it from that. */
export type LiveMark = { readonly isLive: true } | { readonly isLive: false; readonly needs: string };

/** For each cell of a notebook, in their order, whether a page runs it. */
export function liveMarks(sources: readonly string[]): LiveMark[] {
  const missing = new Map(Object.entries(MISSING_NAMES));
  return sources.map((source) => {
    const script = parseCell(source);
    for (const { module, names } of importsOf(script, source)) {
      const what = MISSING_MODULES[module];
      if (what !== undefined) for (const { local } of names) missing.set(local, what);
    }
    const imported = new Set(importsOf(script, source).flatMap(({ names }) => names.map(({ local }) => local)));
    const needs = freeNames(script, source)
      .filter((name) => !imported.has(name))
      .map((name) => missing.get(name))
      .find((what) => what !== undefined);
    for (const name of bindingsOf(script, source)) {
      if (needs !== undefined) missing.set(name, needs);
      else if (!imported.has(name)) missing.delete(name);
    }
    return needs === undefined ? { isLive: true } : { isLive: false, needs };
  });
}
