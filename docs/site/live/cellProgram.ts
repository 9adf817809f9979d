/** A cell of a notebook as JavaScript that a page runs: types taken out, imports loaded, and its names handed on to later cells. */
import { transform } from 'sucrase';
import { bindingsOf, type ImportedName, importsOf, parseCell } from './cellSyntax.ts';

/** The name of the object that holds what earlier cells declared. */
export const SCOPE = '__names';
/** The name of the function that loads a module. */
export const LOAD = '__load';

/**
 * The body of an asynchronous function that does what the cell does. It takes what earlier cells declared from the object `SCOPE`, and puts
 * what it declares there.
 *
 * @throws Error where the cell is not TypeScript, with the line and column.
 */
export function cellProgram(source: string): string {
  const script = parseCell(source);
  const names = bindingsOf(script, source);
  const { code } = transform(withLoadedImports(source), { transforms: ['typescript'], disableESTransforms: true, keepUnusedImports: true });
  return `${code}\n;Object.assign(${SCOPE}, { ${names.join(', ')} });`;
}

/** The source with each import as a call that loads the module; as many lines as before. */
function withLoadedImports(source: string): string {
  let [result, end] = ['', 0];
  for (const { from, to, module, names } of importsOf(parseCell(source), source)) {
    const lines = source.slice(from, to).replaceAll(/[^\n]/g, '');
    const loaded = names.map((name) => `const ${pattern(name)} = ${LOAD}(${JSON.stringify(module)});`).join(' ');
    result += `${source.slice(end, from)}${loaded}${lines}`;
    end = to;
  }
  return result + source.slice(end);
}

function pattern({ imported, local }: ImportedName): string {
  return imported === '*' ? local : `{ ${JSON.stringify(imported)}: ${local} }`;
}
