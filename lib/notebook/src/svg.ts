/** Draws charts in Node, without a browser. */
import { createHash } from 'node:crypto';
import { escapeHtml } from './html';
import { textWidth } from './textWidth';

/** A compiled chart with Vega-Lite's warnings. */
interface CompiledChart {
  readonly warnings: readonly string[];
  readonly svg: string;
}

/**
 * Compiles and draws a Vega-Lite specification, without a browser or canvas.
 *
 * Vega exists only as ES modules. A notebook cell cannot load those; this package, compiled as Node16, can.
 */
export async function compileChart(spec: object): Promise<CompiledChart> {
  const [vega, vegaLite] = await Promise.all([import('vega'), import('vega-lite')]);
  measureTexts(vega);
  const warnings: string[] = [];
  const logger = vega.logger(vega.Warn, undefined, (_method, _level, messages) => warnings.push(messages.join(' ')));
  const { $schema: _, ...body } = spec as { readonly $schema?: string }; // this Vega-Lite is newer than JupyterLab's
  const compiled = vegaLite.compile(body as Parameters<typeof vegaLite.compile>[0], { logger }).spec;
  const view = new vega.View(vega.parse(compiled), { renderer: 'none', logger });
  try {
    return { svg: await view.toSVG(), warnings };
  } finally {
    view.finalize();
  }
}

/** The properties of a chart's text that determine its width. */
interface TextItem {
  readonly fontSize?: number;
  readonly fontWeight?: string | number;
  readonly limit?: number;
}

/** The object that Vega asks for label widths; public, but missing from its types. */
interface TextMetrics {
  width: (item: TextItem, text: unknown) => number;
}

/** Whether a browser draws the weight with the bold cut of a font. */
export function isBold(weight: string | number | undefined): boolean {
  return weight === 'bold' || Number(weight) >= 600;
}

/** Makes Vega use our estimate of text widths. Its own, 0.8 em for every character, cuts off labels that fit. */
function measureTexts(vega: object): void {
  const { textMetrics } = vega as { readonly textMetrics: TextMetrics };
  textMetrics.width = ({ fontSize = 11, fontWeight, limit }, text) =>
    Math.min(textWidth(String(text ?? ''), fontSize, isBold(fontWeight)), limit || Number.POSITIVE_INFINITY);
}

/** Names gradients and clips after the drawing's content, because Vega numbers them across all figures of the process. */
function withOwnIds(svg: string): string {
  const reference = /(?<=id="|url\(#)(gradient|clip)_?\d+/g;
  const content = createHash('sha256').update(svg.replace(reference, '$1')).digest('hex').slice(0, 8);
  const names = new Map<string, string>();
  return svg.replace(reference, (id) => {
    const name = names.get(id) ?? `figure-${content}-${names.size}`;
    names.set(id, name);
    return name;
  });
}

/** Renders a figure as SVG with its sentence as the label. Equal figures yield equal text. */
export async function renderSvg(spec: object, label: string): Promise<string> {
  const { svg } = await compileChart(spec);
  return withOwnIds(svg).replace('<svg ', `<svg role="img" aria-label="${escapeHtml(label)}" `);
}
