/** Reference lines, and their names above the plot. */
import { textWidth } from '../textWidth';
import { INK } from '../theme';
import { nominal } from './fields';

/** A dashed line across the plot, horizontal or vertical. */
export function rule(place: { readonly x: number } | { readonly y: number }, width: number, height: number): object {
  const across = 'y' in place;
  const at = { value: Math.round(across ? place.y : place.x) };
  return {
    data: { values: [{}] },
    mark: { type: 'rule', strokeDash: [4, 4], color: INK },
    encoding: across ? { y: at, x: { value: 0 }, x2: { value: width } } : { x: at, y: { value: 0 }, y2: { value: height } },
  };
}

/** A label above the plot, kept within its sides. */
export function topLabel(label: string, x: number, width: number): object {
  const half = textWidth(label, 11) / 2;
  return {
    data: { values: [{ label }] },
    mark: { type: 'text', baseline: 'bottom', color: INK, align: 'center' },
    encoding: {
      x: { value: Math.round(Math.min(Math.max(x, half), width - half)) },
      y: { value: -4 },
      text: nominal('label'),
    },
  };
}
