import { type Displayable, displaySymbol, type MimeBundle } from './bundle';
import { legible } from './legible';
import { renderSvg } from './svg';
import { figureConfig } from './theme';

/** One view, or several beside each other, in Vega-Lite's terms: `mark`, `encoding`, `layer`, `hconcat`, … with its data inside. */
export interface ChartView {
  readonly [property: string]: unknown;
}

/** A complete Vega-Lite 5 specification. */
export interface ChartSpec extends ChartView {
  readonly $schema: string;
}

/**
 * A transparent point. JupyterLab's renderer adds a PNG of a chart to the document unless one is there, so that opening a notebook marked it as
 * changed and saving it added pictures. Everybody else takes the SVG before a PNG: nbconvert's order, which code hosts use as well.
 */
const NO_PICTURE = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAAC0lEQVR42mNgAAIAAAUAAen63NgAAAAASUVORK5CYII=';

/**
 * A chart and the sentence that says the same in words.
 *
 * Shown as one bundle: Vega-Lite 5, which is what JupyterLab draws, an SVG for readers without scripts, and the sentence.
 */
export class Figure implements Displayable {
  readonly view: ChartView;
  readonly sentence: string;

  /** @param view - the chart without schema and looks; data belongs in `data.values`, never in an expression */
  constructor(view: ChartView, sentence: string) {
    this.view = legible(view);
    this.sentence = legible(sentence);
  }

  /** The whole specification, with the look that all figures share. */
  get spec(): ChartSpec {
    return {
      $schema: 'https://vega.github.io/schema/vega-lite/v5.json',
      description: this.sentence,
      ...this.view,
      config: figureConfig,
      usermeta: { embedOptions: { actions: { export: true, source: false, compiled: false, editor: false } } },
    };
  }

  /** The figure as SVG text, for saving to a file. */
  svg(): Promise<string> {
    return renderSvg(this.spec, this.sentence);
  }

  /** What a Jupyter client shows. */
  async [displaySymbol](): Promise<MimeBundle> {
    return {
      'application/vnd.vegalite.v5+json': this.spec,
      'image/png': NO_PICTURE,
      'image/svg+xml': await this.svg(),
      'text/plain': this.sentence,
    };
  }
}

/**
 * A figure from a Vega-Lite view of your own.
 *
 * @param view - the chart in Vega-Lite 5, without `$schema` and `config`
 * @param sentence - what the chart shows, numbers included: the alternative text
 */
export function figure(view: ChartView, sentence: string): Figure {
  return new Figure(view, sentence);
}
