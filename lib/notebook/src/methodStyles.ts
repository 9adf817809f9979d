/** The look of each method: one colour, one dash and one shape through all figures. */
import { ArgumentError } from 'lowrank/errors';

export interface MethodStyle {
  readonly colour: string;
  /** A second code for lines, without colour. */
  readonly dash: readonly number[];
  /** A second code for points, a symbol of Vega. */
  readonly shape: string;
}

/** Vega has no star of its own. */
const STAR = 'M0,-1L.26,-.31L1,-.31L.41,.16L.59,.81L0,.42L-.59,.81L-.41,.16L-1,-.31L-.26,-.31Z';

/**
 * The styles by method. The colours differ by at least 20 in CIE L*a*b* with full, red-blind, green-blind and blue-blind sight (Machado
 * 2009, severity 1); LoRA, full, base, paper and prefix also differ in lightness, by 4 or more. Each has a contrast of at least 3 against
 * white and against JupyterLab's dark background. Forms of LoRA are other blues with shapes of their own.
 */
export const METHOD_STYLES = {
  LoRA: { colour: '#0a5fc2', dash: [1, 0], shape: 'circle' },
  DoRA: { colour: '#2b83d6', dash: [8, 2], shape: 'triangle-right' },
  rsLoRA: { colour: '#0b8fb3', dash: [5, 2, 1, 2], shape: 'triangle-left' },
  'LoRA, all linear layers': { colour: '#6a8bff', dash: [10, 3], shape: STAR },
  prefix: { colour: '#e0750c', dash: [6, 3], shape: 'square' },
  full: { colour: '#9639fa', dash: [2, 2], shape: 'triangle-up' },
  base: { colour: '#757a7d', dash: [8, 3, 2, 3], shape: 'diamond' },
  paper: { colour: '#059954', dash: [12, 4], shape: 'cross' },
  source: { colour: '#b06fb7', dash: [4, 1], shape: 'triangle-down' },
} as const satisfies Readonly<Record<string, MethodStyle>>;

/** The blues of several settings of LoRA in one figure. None is the colour of DoRA, of rsLoRA or of LoRA on all linear layers. */
export const LORA_BLUES = [METHOD_STYLES.LoRA.colour, '#2f66a0', '#6d8fc2', '#3d5fd6'] as const;

/** A method that has a colour of its own. */
export type Method = keyof typeof METHOD_STYLES;

/** Patterns that recognise a method in a name; the first match counts. */
const NAMES: readonly (readonly [pattern: RegExp, method: Method])[] = [
  [/\bpaper\b|LLaMA-Reviewer|\bpublished\b/i, 'paper'],
  [/\b(source|tutorial)\b/i, 'source'],
  [/\bDoRA\b/i, 'DoRA'],
  [/\brs-?LoRA\b/i, 'rsLoRA'],
  [/\bLoRA\b.*\ball[ -](linear|layers)/i, 'LoRA, all linear layers'],
  [/LoRA\b/i, 'LoRA'],
  [/\bprefix\b/i, 'prefix'],
  [/\bfull\b|\ball (the )?weights\b/i, 'full'],
  [/\bbase\b|\buntuned\b|\bunadapted\b|\bno adapter\b/i, 'base'],
  [/^(always|most frequent|copied) /i, 'base'], // an answer without any model
];

/** The method that a name mentions, such as `LoRA` for `LoRA r=8, α=16`; undefined if it mentions none. */
export function methodOf(name: string): Method | undefined {
  return NAMES.find(([pattern]) => pattern.test(name))?.[1];
}

/**
 * The colour of a method in every figure of the course.
 *
 * @param name - a method, or a name that contains one: `LoRA`, `prefix K=10`, `full fine-tuning`, `base`, `untuned`, `paper`
 * @throws ArgumentError when the name mentions no method
 */
export function methodColor(name: string): string {
  const method = methodOf(name);
  if (method) return METHOD_STYLES[method].colour;
  throw new ArgumentError(`'${name}' names no method with a colour; known are ${Object.keys(METHOD_STYLES).join('; ')}`);
}
