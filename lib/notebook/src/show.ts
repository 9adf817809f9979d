import { ArgumentError } from 'lowrank/errors';
import { displaySymbol, isDisplayable } from './bundle';
import { displayBundle } from './kernel';
import { isTable } from './table/columns';
import { Table, type TableOptions } from './table/table';

/**
 * Shows a value in the running cell: a figure, a table (a danfojs or polars frame, or an array of objects), or any object with
 * `Symbol.for('Jupyter.display')`. Outside a notebook, prints its plain text to stdout.
 *
 * @throws ArgumentError when the value is none of these
 */
export async function show(value: object, options: TableOptions = {}): Promise<void> {
  // Data frames come first: polars' own display is an ASCII table.
  if (isTable(value)) displayBundle(new Table(value, options)[displaySymbol]());
  else if (isDisplayable(value)) displayBundle(await value[displaySymbol]());
  else throw new ArgumentError('nothing to show: pass a figure, a DataFrame or an array of objects');
}
