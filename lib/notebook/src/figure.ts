/** A chart as every figure of the notebooks is displayed. */
import { type Displayable, displaySymbol, type MimeBundle } from './bundle';
import { pictures } from './pictures';
import { renderSvg } from './svg';
import { figureConfig } from './theme';

/** A Vega-Lite view, or several side by side (`mark`, `encoding`, `layer`, `hconcat`, …), with its data inline. */
export interface ChartView {
  readonly [property: string]: unknown;
}

/** A complete Vega-Lite 5 specification. */
export interface ChartSpec extends ChartView {
  readonly $schema: string;
}

/**
 * A chart and a sentence with the same content.
 *
 * It displays as one bundle: Vega-Lite 5 for JupyterLab, an SVG for readers without scripts, and the sentence as text.
 */
export class Figure implements Displayable {
  readonly view: ChartView;
  readonly sentence: string;

  /** @param view - the chart without schema and theme; put data in `data.values`, never in an expression */
  constructor(view: ChartView, sentence: string) {
    this.view = legible(view) as ChartView;
    this.sentence = legible(sentence) as string;
  }

  /** The complete specification with the theme of all figures. */
  get spec(): ChartSpec {
    return {
      $schema: 'https://vega.github.io/schema/vega-lite/v5.json',
      description: this.sentence,
      ...this.view,
      config: figureConfig,
      usermeta: { embedOptions: { actions: { export: true, source: false, compiled: false, editor: false } } },
    };
  }

  /** Renders the figure as SVG, for example to save it. */
  svg(): Promise<string> {
    return renderSvg(this.spec, this.sentence);
  }

  /** What a Jupyter client shows. */
  async [displaySymbol](): Promise<MimeBundle> {
    return {
      'application/vnd.vegalite.v5+json': this.spec,
      ...(await pictures(this.spec, this.sentence)),
      'text/plain': this.sentence,
    };
  }
}

/**
 * Makes a figure from your own Vega-Lite view.
 *
 * @param view - the chart in Vega-Lite 5, without `$schema` and `config`
 * @param sentence - the content of the chart in words, with its numbers: the alternative text
 */
export function figure(view: ChartView, sentence: string): Figure {
  return new Figure(view, sentence);
}

/**
 * Replaces characters that XML, and therefore SVG, cannot contain in every string of a value, at any depth. Line ends and tabs become
 * spaces; other control characters become the replacement character.
 */
function legible(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/[\t\n\r\u2028\u2029]+/g, ' ').replace(/\p{Cc}/gu, '\uFFFD');
  if (Array.isArray(value)) return value.map(legible);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, legible(each)]));
}
