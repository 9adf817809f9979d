/** Figures that move without a kernel: parameters of Vega-Lite 5 with a slider or a list, which also work in an exported page. */
import { ArgumentError } from 'lowrank/errors';
import { type Figure, figure } from 'lowrank-notebook';
import { INK, METHOD_STYLES, methodOf, nominal, rounded, SERIES_COLOURS } from 'lowrank-notebook/internal';

/** A parameter that the reader controls. */
export interface Control {
  readonly name: string;
  readonly value: number | string;
  readonly bind: object;
}

/** Maximum bytes of one figure, so notebooks stay small enough to commit. */
const LARGEST = 200_000;

/** A slider; `name` is a word, since expressions use it. */
export function slider(name: string, label: string, range: readonly [min: number, max: number, step: number], value: number): Control {
  const [min, max, step] = range;
  return { name, value, bind: { input: 'range', min, max, step, name: `${label} ` } };
}

/** A list to choose from; the parameter is the number of the chosen one. */
export function choice(name: string, label: string, labels: readonly string[]): Control {
  return { name, value: 0, bind: { input: 'select', options: labels.map((_, index) => index), labels, name: `${label} ` } };
}

/** A colour for each name: its method's, or the next neutral one. */
export function coloursOf(names: readonly string[]): (string | undefined)[] {
  let neutral = 0;
  return names.map((name) => {
    const method = methodOf(name);
    return method ? METHOD_STYLES[method].colour : SERIES_COLOURS[neutral++ % SERIES_COLOURS.length];
  });
}

/** A parameter that follows from others. */
export function derived(name: string, expr: string): { readonly name: string; readonly expr: string } {
  return { name, expr };
}

/** A figure with its controls. Its SVG shows their initial values. */
export function movingFigure(params: readonly object[], view: object, sentence: string): Figure {
  const size = JSON.stringify(view).length + JSON.stringify(params).length;
  if (size > LARGEST) throw new ArgumentError(`this figure would hold ${size} bytes, more than ${LARGEST}: pass fewer or smaller data`);
  return figure({ params, ...view }, sentence);
}

/** A number of at most `digits` significant digits, to keep the data of a figure small. */
export function short(value: number, digits = 4): number | null {
  return rounded(value, digits);
}

/** A line of text above other views, computed from the current values of the controls. */
export function wordsLine(values: readonly object[], words: string, transform: readonly object[] = []): object {
  return {
    width: 560,
    height: 16,
    data: { values },
    transform: [...transform, { calculate: words, as: 'words' }],
    mark: { type: 'text', align: 'left', fontSize: 12, fontWeight: 600, color: INK },
    encoding: { x: { value: 0 }, text: nominal('words') },
  };
}
