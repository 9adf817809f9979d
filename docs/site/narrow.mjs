/**
 * Figures as a phone shows them: what stands side by side stands one below the other, long lines are broken, names beside a plot are in a
 * legend below it, and plots are as narrow as the page asks.
 */

/** The characters of a title that fit beside the margins of a phone. */
const LINE = 40;
/** The width of a character of a label, in pixels. */
const CHARACTER = 6;
/** The height of a name, in pixels. */
const ROW = 13;
/** The width of a plot on a phone, about. */
const NARROW = 280;
/** No plot becomes narrower than this. */
const NARROWEST = 96;

/** The specification of a figure for a narrow screen; with `most`, no plot in it is wider than that many pixels. */
export function narrowed(spec, most = Infinity) {
  const view = fitted(stacked(spec), most);
  return { ...view, ...(spec.title ? { title: withLines(spec.title) } : {}) };
}

/** The widest plot of a figure, in pixels. */
export function widestPlot(spec) {
  return Math.max(0, ...leaves(spec).map(widthOf));
}

const partsOf = (view) => view.concat ?? view.vconcat ?? view.hconcat;

function leaves(view) {
  return partsOf(view)?.flatMap(leaves) ?? [view];
}

function stacked(view) {
  if (view.concat) return { ...view, columns: 1, concat: view.concat.map(stacked) };
  if (view.vconcat) return { ...view, vconcat: view.vconcat.map(stacked) };
  if (!view.hconcat) return view;
  const { hconcat, ...rest } = view;
  return { ...rest, vconcat: hconcat.map((part) => stacked(withRowNames(part, hconcat))) };
}

const layersOf = (view) => [view, ...(view.layer ?? []).flatMap(layersOf)];
const isHidden = (axis) => axis === null || axis?.labels === false;

/** A part whose rows have their names in a part beside it gets them for itself. */
function withRowNames(part, parts) {
  const own = layersOf(part).map(({ encoding }) => encoding?.y).find((y) => y && isHidden(y.axis));
  if (!own) return part;
  const named = parts.flatMap(layersOf).map(({ encoding }) => encoding?.y).find((y) => y?.field === own.field && !isHidden(y.axis));
  return named ? withAxis(part, named.axis) : part;
}

function withAxis(view, axis) {
  const { encoding, layer } = view;
  const { axis: _, ...y } = encoding?.y ?? {};
  const named = encoding?.y && isHidden(encoding.y.axis) ? { encoding: { ...encoding, y: axis ? { ...y, axis } : y } } : {};
  return { ...view, ...named, ...(layer ? { layer: layer.map((each) => withAxis(each, axis)) } : {}) };
}

/** The mark that has the bands of a plot, how many there are, and how many bars a band has. */
function bands(view) {
  const mark = layersOf(view).find(({ encoding }) => encoding?.x?.field);
  const rows = (mark?.data ?? view.data)?.values ?? [];
  const count = (field) => new Set(rows.map((row) => row[field])).size;
  const { x, xOffset } = mark?.encoding ?? {};
  return { count: x?.sort?.length ?? count(x?.field), bars: count(xOffset?.field) };
}

const bandsOf = (view) => Math.max(1, bands(view).count);

/** The width of one plot: bands and the bars beside each other in a band have steps. */
function widthOf(view) {
  const { width } = view;
  if (typeof width !== 'object') return width ?? 0;
  const { count, bars } = bands(view);
  return width.step * count * (width.for === 'offset' ? 1.2 * bars : 1);
}

function fitted(view, most) {
  for (const kind of ['concat', 'vconcat', 'hconcat']) {
    if (view[kind]) return { ...view, [kind]: view[kind].map((part) => fitted(part, most)) };
  }
  const below = wrapped(namesBelow(withFewColumns(view)));
  const old = widthOf(below);
  if (old <= most) return below;
  const width = Math.max(NARROWEST, most);
  const room = Math.floor(width / bandsOf(below) / CHARACTER);
  const narrow = (layer) => withAxisLabels(moved(layer, old, width), room);
  return { ...(below.layer ? { ...below, layer: below.layer.map(narrow) } : narrow(below)), width };
}

/** Labels of an x axis that keep apart: names below bars have lines, numbers a distance. */
function withAxisLabels(layer, room) {
  const { x } = layer.encoding ?? {};
  if (!x?.axis) return layer;
  const isName = x.type === 'nominal' && x.axis.labelAngle === 0;
  const labels = isName ? { labelExpr: brokenText('datum.label', room) } : x.type === 'quantitative' ? { labelSeparation: 4 } : {};
  return { ...layer, encoding: { ...layer.encoding, x: { ...x, axis: { ...x.axis, ...labels } } } };
}

/** A line of words has several lines, and so have the words at the right of a plot. */
function wrapped(view) {
  const { mark, encoding, layer, transform = [] } = view;
  if (layer) return { ...view, layer: layer.map((each) => (each.encoding?.x?.value === 'width' ? withBreaks(each) : each)) };
  if (mark?.type !== 'text') return view;
  const { field } = encoding.text;
  const calculate = brokenText(`datum.${field}`, LINE);
  return {
    ...view,
    height: 48,
    transform: [...transform, { calculate, as: field }],
    mark: { ...mark, baseline: 'top' },
    encoding: { ...encoding, y: { value: 0 } },
  };
}

/** The expression of a text in lines of at most so many characters, if its words allow. */
const brokenText = (text, most) => `split(trim(replace(${text}, regexp('(.{1,${most}})( |$)', 'g'), '$1\\n')), '\\n')`;

const withBreaks = (layer) => ({ ...layer, mark: { ...layer.mark, lineBreak: ', ' } });

/** A legend above or below the plot has two columns at most, and that of a continuous colour is below it. */
function withFewColumns(view) {
  if (Array.isArray(view)) return view.map(withFewColumns);
  if (typeof view !== 'object' || view === null) return view;
  return Object.fromEntries(
    Object.entries(view).map(([key, value]) => {
      if (key === 'values') return [key, value];
      if (key === 'color' && value?.type === 'quantitative' && value.legend !== null) {
        return [key, { ...value, legend: { ...value.legend, orient: 'bottom', direction: 'horizontal', gradientLength: 160 } }];
      }
      if (key === 'legend' && /top|bottom/.test(value?.orient)) return [key, { ...value, columns: Math.min(2, value.columns ?? 2) }];
      return [key, withFewColumns(value)];
    }),
  );
}

/** The scale of a colour whose names stand beside their marks. */
const codedNames = (view) => layersOf(view).map(({ encoding }) => encoding?.color).find((color) => color?.legend === null)?.scale?.domain;

/** A text at a place given in pixels, and what it says. */
const wordsAt = ({ mark, encoding, data }) =>
  mark?.type === 'text' && typeof encoding?.x?.value === 'number' ? data?.values?.[0]?.[encoding.text?.field] : undefined;

/** Names that stand beside the ends of lines, or beside points, are in a legend below. A plot of rows has its names at the left. */
function namesBelow(view) {
  const names = codedNames(view) ?? [];
  const said = (view.layer ?? []).filter((layer) => names.includes(wordsAt(layer)));
  if (said.length === 0) return view;
  const isDashed = layersOf(view).some(({ encoding }) => encoding?.strokeDash);
  const symbols = isDashed ? { symbolType: 'stroke', symbolSize: 500, symbolStrokeWidth: 2 } : {};
  const values = said.map(wordsAt);
  const legend = { orient: 'bottom', direction: 'vertical', columns: 1, title: null, symbolOpacity: 1, ...symbols, values };
  const shown = ({ mark, encoding, ...rest }) => {
    const coded = ['color', 'shape', 'strokeDash'].filter((channel) => encoding?.[channel]?.legend === null);
    const own = Object.fromEntries(coded.map((channel) => [channel, { ...encoding[channel], legend }]));
    return { ...rest, mark, encoding: { ...encoding, ...own } };
  };
  const isPlaced = ({ mark, encoding }) => typeof encoding?.x?.value === 'number' && ['point', 'rule'].includes(mark?.type) && !mark.strokeDash;
  const kept = view.layer.filter((layer) => !said.includes(layer) && !(isPlaced(layer) && encodesNothing(layer)));
  return { ...view, layer: aboveLines(kept.map(shown), view).map((layer) => inside(layer, view)) };
}

/** Whether the place of a mark is given in pixels alone: it belongs to a name. */
const encodesNothing = ({ encoding }) => ['x', 'y'].every((channel) => typeof encoding[channel]?.value === 'number');

const isBeside = (layer, view) => wordsAt(layer) !== undefined && layer.encoding.x.value > view.width;

/** Names of dashed lines, which stood beside them, each at its line or a row above the name below it. */
function aboveLines(layers, view) {
  const heightOf = ({ encoding }) => encoding.y.value;
  const fromBelow = (found) => found.sort((a, b) => heightOf(b) - heightOf(a));
  const lines = fromBelow(layers.filter(({ mark, encoding }) => mark?.type === 'rule' && encoding?.x2?.value === view.width));
  const names = fromBelow(layers.filter((layer) => isBeside(layer, view)));
  if (lines.length !== names.length) return layers;
  const placed = new Map();
  for (const [index, name] of names.entries()) {
    const below = placed.get(names[index - 1]) ?? Infinity;
    placed.set(name, Math.min(heightOf(lines[index]), below - ROW));
  }
  const raised = (layer) => ({ ...layer, encoding: { ...layer.encoding, y: { value: placed.get(layer) } } });
  return layers.map((layer) => (placed.has(layer) ? raised(layer) : layer));
}

/** The name of a dashed line stands above it where no mark is near, or at its right end, and no longer beside the plot. */
function inside(layer, view) {
  if (!isBeside(layer, view)) return layer;
  const [from, to] = widestGap(view);
  const isFree = (to - from) * NARROW > wordsAt(layer).length * CHARACTER;
  return {
    ...layer,
    mark: { ...layer.mark, align: isFree ? 'center' : 'right', baseline: 'bottom', dy: -3 },
    encoding: { ...layer.encoding, x: { value: isFree ? Math.round((view.width * (from + to)) / 2) : view.width } },
  };
}

/** The widest stretch of the x axis without a mark, as shares of its length. */
function widestGap(view) {
  const marks = layersOf(view).filter(({ encoding, data }) => encoding?.x?.scale?.domain && data?.values);
  const { type, domain = [0, 1] } = marks[0]?.encoding.x.scale ?? {};
  const at = type === 'log' ? Math.log : Number;
  const shares = marks.flatMap(({ encoding, data }) => data.values.map((row) => (at(row[encoding.x.field]) - at(domain[0])) / (at(domain[1]) - at(domain[0]))));
  const ends = [0, ...shares.filter(Number.isFinite).sort((a, b) => a - b), 1];
  const gaps = ends.slice(1).map((end, index) => [ends[index], end]);
  return gaps.reduce((best, gap) => (gap[1] - gap[0] > best[1] - best[0] ? gap : best));
}

/** A mark at a place in pixels keeps its share of the width, or its distance from the right edge. */
function moved(layer, old, width) {
  const at = (value) => (value > old ? value - old + width : Math.round((value * width) / old));
  const encoding = Object.fromEntries(
    Object.entries(layer.encoding ?? {}).map(([channel, code]) => [
      channel,
      /^x2?$/.test(channel) && typeof code?.value === 'number' ? { ...code, value: at(code.value) } : code,
    ]),
  );
  return { ...layer, encoding, ...(layer.layer ? { layer: layer.layer.map((each) => moved(each, old, width)) } : {}) };
}

function withLines(title) {
  if (typeof title === 'string') return inLines(title);
  const { text, subtitle } = title;
  return { ...title, ...(typeof text === 'string' ? { text: inLines(text) } : {}), ...(typeof subtitle === 'string' ? { subtitle: inLines(subtitle) } : {}) };
}

function inLines(text) {
  return text.split(' ').reduce((lines, word) => {
    const last = lines.at(-1);
    return last !== undefined && `${last} ${word}`.length <= LINE ? [...lines.slice(0, -1), `${last} ${word}`] : [...lines, word];
  }, []);
}
