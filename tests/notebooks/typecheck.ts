/**
 * Type-checks the code cells of notebooks with `tsc --strict`, which tslab's own check is not.
 *
 * Usage: node typecheck.ts NOTEBOOK…   Prints each error with its cell and ends with 1 where there is one.
 *
 * A notebook becomes one module in which every cell opens a block inside the block of the cell before it: top-level await
 * works, a later cell sees the names of the earlier ones, and declaring a name again is no error. Imports are lifted out.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';

interface Cell {
  readonly cell_type: string;
  readonly source: string | readonly string[];
}

/** Where a line of the module comes from; both numbers start at 1. */
interface Origin {
  readonly cell: number;
  readonly line: number;
}

interface Module {
  readonly text: string;
  readonly origins: readonly (Origin | undefined)[];
}

const options: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2022.d.ts'],
  module: ts.ModuleKind.ESNext, // as tslab checks: cells run as CommonJS, but may await at the top level
  moduleResolution: ts.ModuleResolutionKind.Node10,
  esModuleInterop: true,
  resolveJsonModule: true,
  skipLibCheck: true,
  types: ['node'],
};

/** The names that one import declaration binds, each as an import of its own. */
function singleImports(declaration: ts.ImportDeclaration): Map<string, string> {
  const from = declaration.moduleSpecifier.getText();
  const clause = declaration.importClause;
  const imports = new Map<string, string>();
  if (!clause) return imports.set(from, `import ${from};`);
  const keyword = clause.isTypeOnly ? 'import type' : 'import';
  if (clause.name) imports.set(clause.name.text, `${keyword} ${clause.name.text} from ${from};`);
  const bindings = clause.namedBindings;
  if (bindings && ts.isNamespaceImport(bindings)) imports.set(bindings.name.text, `${keyword} ${bindings.getText()} from ${from};`);
  if (bindings && ts.isNamedImports(bindings)) {
    for (const element of bindings.elements) imports.set(element.name.text, `${keyword} { ${element.getText()} } from ${from};`);
  }
  return imports;
}

function notebookModule(cells: readonly Cell[]): Module {
  const imports = new Map<string, { readonly text: string; readonly origin: Origin }>();
  const body: string[] = [];
  const origins: (Origin | undefined)[] = [];
  let blocks = 0;
  cells.forEach(({ cell_type, source }, index) => {
    if (cell_type !== 'code') return;
    const cell = index + 1;
    let text = typeof source === 'string' ? source : source.join('');
    const file = ts.createSourceFile('cell.ts', text, ts.ScriptTarget.ES2022, true);
    for (const statement of file.statements) {
      if (!ts.isImportDeclaration(statement)) continue;
      const origin = { cell, line: file.getLineAndCharacterOfPosition(statement.getStart()).line + 1 };
      for (const [name, line] of singleImports(statement)) if (!imports.has(name)) imports.set(name, { text: line, origin });
      const blank = statement.getText().replace(/[^\n]/g, ' ');
      text = text.slice(0, statement.getStart()) + blank + text.slice(statement.end);
    }
    body.push('{', ...text.split('\n'));
    origins.push(undefined, ...text.split('\n').map((_, line) => ({ cell, line: line + 1 })));
    blocks += 1;
  });
  const lifted = [...imports.values()];
  return {
    text: ['export {};', ...lifted.map((each) => each.text), ...body, '}'.repeat(blocks)].join('\n'),
    origins: [undefined, ...lifted.map((each) => each.origin), ...origins],
  };
}

function messages(notebook: string, { origins }: Module, diagnostics: readonly ts.Diagnostic[]): string[] {
  return diagnostics.map(({ file, start, messageText, code }) => {
    const text = ts.flattenDiagnosticMessageText(messageText, '\n  ');
    const origin = file && start !== undefined ? origins[file.getLineAndCharacterOfPosition(start).line] : undefined;
    const place = origin ? `cell ${origin.cell}, line ${origin.line}` : 'whole notebook';
    return `${notebook}: ${place}: ${text} (TS${code})`;
  });
}

/** tslab has no way to wait for a display that nobody awaited: it would land in the next cell, or nowhere. */
function forgottenAwaits(notebook: string, cells: readonly Cell[]): string[] {
  return cells.flatMap(({ cell_type, source }, index) => {
    const text = typeof source === 'string' ? source : source.join('');
    if (cell_type !== 'code' || !/^show\(/m.test(text)) return [];
    return [`${notebook}: cell ${index + 1}: show(…) without await`];
  });
}

const notebooks = process.argv.slice(2);
const cellsOf = new Map(notebooks.map((path) => [path, (JSON.parse(readFileSync(path, 'utf8')) as { cells: Cell[] }).cells]));
const modules = new Map([...cellsOf].map(([path, cells]) => [resolve(`${path}.ts`), { path, cells, module: notebookModule(cells) }]));

const host = ts.createCompilerHost(options);
host.jsDocParsingMode = ts.JSDocParsingMode.ParseForTypeErrors; // as tsc does: comments of Node's types take a fifth of the time
const { readFile, fileExists, getSourceFile } = host;
host.fileExists = (name) => modules.has(resolve(name)) || fileExists(name);
host.readFile = (name) => modules.get(resolve(name))?.module.text ?? readFile(name);
host.getSourceFile = (name, target, ...rest) => {
  const own = modules.get(resolve(name));
  return own ? ts.createSourceFile(name, own.module.text, target) : getSourceFile(name, target, ...rest);
};
const checkout = resolve(import.meta.dirname, '../..');
const program = ts.createProgram([...modules.keys()], { ...options, typeRoots: [join(checkout, 'node_modules/@types')] }, host);

const found = [...modules].flatMap(([name, { path, cells, module }]) => {
  const file = program.getSourceFile(name);
  const diagnostics = file ? [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)] : [];
  return [...messages(path, module, diagnostics), ...forgottenAwaits(path, cells)];
});
for (const message of found) console.error(message);
process.exitCode = found.length > 0 ? 1 : 0;
