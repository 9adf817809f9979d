/** Tables of notebooks. */
import { ArgumentError } from 'lowrank/errors';
import { checkKnown, checkOneOf, checkWhole, printable } from 'lowrank/internal';
import { type Displayable, displaySymbol, type MimeBundle } from '../bundle';
import { escapeHtml } from '../html';
import { columnText, isNumeric, largestOf } from './cellText';
import { type Column, tableColumns } from './columns';

/** How to show a table. Put units into the column names. */
export interface TableOptions {
  readonly caption?: string;
  /** Marks the best value of a column with a star, so that it does not depend on colour. */
  readonly best?: Readonly<Record<string, 'max' | 'min'>>;
  /** Decimals per column. @defaultValue enough to show four significant digits of the column's largest value */
  readonly decimals?: Readonly<Record<string, number>>;
  /** Maximum rows to show; a note below says how many there are. @defaultValue 30 */
  readonly maxRows?: number;
}

/** The most decimals that JavaScript writes. */
const MOST_DECIMALS = 100;

interface ShownColumn {
  readonly name: string;
  readonly isNumeric: boolean;
  readonly texts: readonly string[];
  readonly best: ReadonlySet<number>; // row numbers
}

function bestRows(values: readonly unknown[], wanted: 'max' | 'min'): Set<number> {
  const numbers = values.map((value) => (typeof value === 'number' || typeof value === 'bigint' ? Number(value) : Number.NaN));
  const finite = numbers.filter(Number.isFinite);
  const best = finite.reduce((a, b) => ((wanted === 'max' ? b > a : b < a) ? b : a), finite[0] ?? Number.NaN);
  return new Set(numbers.flatMap((value, row) => (value === best ? [row] : [])));
}

function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function checkNames(columns: readonly Column[], option: string, record: object): void {
  const names = new Set(columns.map((column) => column.name));
  const unknown = Object.keys(record).find((name) => !names.has(name));
  if (unknown === undefined) return;
  throw new ArgumentError(`${option} names the column '${unknown}'; the table has ${[...names].map((name) => `'${name}'`).join(', ')}`);
}

/** Text of the data in one line of the text form, which may go to a terminal. */
const inLine = (text: string) => printable(text.replace(/\r?\n/g, '⏎'));

/** A table that displays as HTML where possible, otherwise as aligned plain text. */
export class Table implements Displayable {
  private readonly columns: readonly ShownColumn[];
  private readonly caption: string | undefined;
  /** The note about omitted rows. */
  private readonly note: string | undefined;

  constructor(table: object, options: TableOptions = {}) {
    checkKnown('Table', options, ['caption', 'best', 'decimals', 'maxRows']);
    const { caption, best = {}, decimals = {}, maxRows = 30 } = options;
    const columns = tableColumns(table);
    checkNames(columns, 'best', best);
    checkNames(columns, 'decimals', decimals);
    if (maxRows !== Number.POSITIVE_INFINITY) checkWhole('maxRows', maxRows, 0);
    for (const [name, wanted] of Object.entries(best)) checkOneOf(`best of '${name}'`, wanted, ['max', 'min']);
    for (const [name, places] of Object.entries(decimals)) {
      checkWhole(`decimals of '${name}'`, places, 0);
      if (places > MOST_DECIMALS) throw new ArgumentError(`decimals of '${name}' are ${places}; pass at most ${MOST_DECIMALS}`);
    }
    const rows = columns[0]?.values.length ?? 0;
    this.caption = caption;
    this.columns = columns.map(({ name, values }) => {
      const wanted = own(best, name);
      return {
        name,
        isNumeric: isNumeric(values),
        texts: columnText(values, maxRows, own(decimals, name)),
        best: wanted ? bestRows(values, wanted) : new Set(),
      };
    });
    this.note = rows > maxRows ? `the first ${maxRows} of ${rows} rows` : undefined;
  }

  /** What a Jupyter client shows. */
  [displaySymbol](): MimeBundle {
    return { 'text/html': this.html(), 'text/plain': this.text() };
  }

  private get rowNumbers(): number[] {
    return (this.columns[0]?.texts ?? []).map((_, row) => row);
  }

  private html(): string {
    const align = (column: ShownColumn) =>
      column.isNumeric ? 'align="right" style="text-align: right"' : 'align="left" style="text-align: left"';
    const head = this.columns.map((column) => `<th scope="col" ${align(column)}>${escapeHtml(column.name)}</th>`).join('');
    const cell = (column: ShownColumn, row: number) => {
      const text = escapeHtml(column.texts[row] ?? '');
      return `<td ${align(column)}>${column.best.has(row) ? `<b title="best">★ ${text}</b>` : text}</td>`;
    };
    const body = this.rowNumbers.map((row) => `<tr>${this.columns.map((column) => cell(column, row)).join('')}</tr>`);
    const caption = this.caption ? `<caption style="text-align: left">${escapeHtml(this.caption)}</caption>\n` : '';
    return [
      '<table style="font-variant-numeric: tabular-nums">',
      `${caption}<thead><tr>${head}</tr></thead>`,
      '<tbody>',
      ...body,
      '</tbody>',
      '</table>',
      ...(this.note ? [`<p><small>${this.note}</small></p>`] : []),
    ].join('\n');
  }

  private text(): string {
    const blocks = this.columns.map((column) => {
      const cells = column.texts.map((text, row) => inLine(column.best.has(row) ? `★ ${text}` : text));
      const name = inLine(column.name);
      const width = largestOf([name, ...cells].map(({ length }) => length));
      const pad = (text: string) => (column.isNumeric ? text.padStart(width) : text.padEnd(width));
      return { head: pad(name), rule: '─'.repeat(width), cells: cells.map(pad) };
    });
    const line = (cells: readonly (string | undefined)[]) => cells.join('  ').trimEnd();
    const body = this.rowNumbers.map((row) => line(blocks.map((block) => block.cells[row])));
    const lines = [
      line(blocks.map((block) => block.head)),
      blocks.map((block) => block.rule).join('  '),
      ...body,
      ...(this.note ? [this.note] : []),
    ];
    return (this.caption ? [inLine(this.caption), ...lines] : lines).join('\n');
  }
}

/** Makes a table to show later or in another kernel; `show` does both at once. */
export function table(value: object, options: TableOptions = {}): Table {
  return new Table(value, options);
}
