/** The table of a benchmark, as text. */
import type { Line } from './rows.ts';

export function reportOf(lines: readonly Line[]): string {
  const rows = lines.map(({ what, unit, ours, spread, peer, theirs, theirSpread, ratio, goal, isMet, note }) => [
    what,
    `${figure(ours)}${range(spread)} ${unit}`,
    `${figure(theirs)}${range(theirSpread)} (${peer})`,
    ratio.toFixed(2),
    String(goal),
    isMet ? 'met' : 'missed',
    note ?? '',
  ]);
  return textTable([['what', 'ours', 'peer', 'ratio', 'goal', '', 'note'], ...rows]);
}

function textTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function range(spread: readonly number[] | undefined): string {
  return spread ? ` [${spread.map(figure).join('–')}]` : '';
}
