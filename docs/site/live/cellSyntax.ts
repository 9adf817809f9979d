/** What a cell imports, declares and uses, by the syntax of TypeScript. */
import type { SyntaxNode, Tree } from '@lezer/common';
import { parser } from '@lezer/javascript';

const typescript = parser.configure({ dialect: 'ts' });

/** One name of an import: `*` for the whole module, `default` for what it exports by default. */
export interface ImportedName {
  readonly imported: string;
  readonly local: string;
}

/** An import of a cell, and its place in the source. */
interface CellImport {
  readonly from: number;
  readonly to: number;
  readonly module: string;
  /** Without types. */
  readonly names: readonly ImportedName[];
}

export function parseCell(source: string): Tree {
  return typescript.parse(source);
}

function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) children.push(child);
  return children;
}

/** The imports of the cell, in their order. */
export function importsOf(script: Tree, source: string): CellImport[] {
  const text = ({ from, to }: SyntaxNode) => source.slice(from, to);
  return childrenOf(script.topNode)
    .filter(({ name }) => name === 'ImportDeclaration')
    .map((statement) => {
      const parts = childrenOf(statement);
      const path = parts.find(({ name }) => name === 'String');
      const isType = parts.some(({ name }) => name === 'type');
      const whole = parts.some(({ name }) => name === 'Star') ? '*' : 'default';
      const first = parts.find(({ name }) => name === 'VariableDefinition');
      const group = parts.find(({ name }) => name === 'ImportGroup');
      const names = [...(first ? [{ imported: whole, local: text(first) }] : []), ...(group ? namesOfGroup(group, text) : [])];
      return { from: statement.from, to: statement.to, module: path ? text(path).slice(1, -1) : '', names: isType ? [] : names };
    });
}

function namesOfGroup(group: SyntaxNode, text: (node: SyntaxNode) => string): ImportedName[] {
  const names: ImportedName[] = [];
  let isType = false;
  let imported: string | undefined;
  for (const part of childrenOf(group)) {
    if (part.name === ',' || part.name === '{') [isType, imported] = [false, undefined];
    else if (part.name === 'type') isType = true;
    else if (part.name === 'VariableName') imported = text(part);
    else if (part.name === 'VariableDefinition' && !isType) names.push({ imported: imported ?? text(part), local: text(part) });
  }
  return names;
}

/** The names that the cell declares or imports at its top, without types. */
export function bindingsOf(script: Tree, source: string): string[] {
  const names = new Set(importsOf(script, source).flatMap((each) => each.names.map(({ local }) => local)));
  for (const statement of childrenOf(script.topNode)) {
    if (/^(Variable|Function|Class|Enum)Declaration$/.test(statement.name))
      for (const name of patternNames(statement, source)) names.add(name);
  }
  return [...names];
}

/** The names bound by a declaration or a pattern, not those inside of functions and values. */
function patternNames(node: SyntaxNode, source: string): string[] {
  return childrenOf(node).flatMap((child) => {
    if (child.name === 'VariableDefinition') return [source.slice(child.from, child.to)];
    return /^(ObjectPattern|ArrayPattern|PatternProperty)$/.test(child.name) ? patternNames(child, source) : [];
  });
}

/** The names that the cell uses and does not define anywhere inside. */
export function freeNames(script: Tree, source: string): string[] {
  const used = new Set<string>();
  const defined = new Set<string>();
  script.iterate({
    enter: ({ name, from, to }) => {
      if (name === 'ImportDeclaration') return false;
      if (name === 'VariableDefinition') defined.add(source.slice(from, to));
      if (name === 'VariableName') used.add(source.slice(from, to));
      return true;
    },
  });
  return [...used].filter((name) => !defined.has(name));
}
