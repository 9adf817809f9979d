// tslab prints the error of a cell with its whole stack: ten lines of paths in node_modules, each cause once more below, and the cell's own line as
// "evalmachine.<anonymous>:7:18" of what TypeScript made of it. A reader needs the message and the line.
'use strict';

const OF_TSLAB = /tslab[\\/]dist[\\/]executor\.js/;
const cells = new Map();
const { error: print } = console;

/** The file name under which a cell is run, so that its lines can be told in a stack. */
exports.nameCell = (code) => {
  const name = `cell-${cells.size + 1}.js`;
  cells.set(name, code.split('\n'));
  return name;
};

console.error = (...words) => {
  const [error] = words;
  const isCell = words.length === 1 && isError(error) && OF_TSLAB.test(new Error().stack.split('\n')[2]);
  print(...(isCell ? [textOf(error)] : words));
};

function isError(value) {
  return typeof value === 'object' && value !== null && typeof value.message === 'string' && typeof value.stack === 'string';
}

function textOf(error) {
  const lines = [`${error.name}: ${error.message.trim()}`];
  let said = error.message;
  for (let cause = error.cause; isError(cause); cause = cause.cause) {
    if (!said.includes(cause.message)) lines.push(`  because: ${cause.message.trim()}`);
    said += cause.message;
  }
  const line = lineOf(error.stack);
  return (line ? [...lines, `  at: ${line}`] : lines).join('\n');
}

/** The innermost line of a cell in a stack, as the cell has it as far as it can be told. */
function lineOf(stack) {
  const [, name, number] = /\b(cell-\d+\.js):(\d+):\d+/.exec(stack) ?? [];
  const made = cells.get(name)?.[number - 1];
  return made
    ?.replace(/\(0, \w+\.(\w+)\)/g, '$1')
    .replace(/\b(exports|\w+_\d+)\.(?=\w)/g, '')
    .replace(/^\s*tsLastExpr = /, '')
    .trim();
}
