/** Figures as a phone shows them: what stands side by side stands one below the other, and long titles have lines. */

/** The characters of a title that fit beside the margins of a phone. */
const LINE = 44;

/** The specification of a figure for a narrow screen. */
export function narrowed(spec) {
  return { ...stacked(spec), ...(spec.title ? { title: withLines(spec.title) } : {}) };
}

function stacked(view) {
  if (view.concat) return { ...view, columns: 1, concat: view.concat.map(stacked) };
  if (view.vconcat) return { ...view, vconcat: view.vconcat.map(stacked) };
  if (!view.hconcat?.every(namesItsRows)) return view;
  const { hconcat, ...rest } = view;
  return { ...rest, vconcat: hconcat.map(stacked) };
}

/** Whether a part has a vertical axis of its own; where it has not, its rows have their names in the part at its left. */
function namesItsRows(part) {
  const axes = [part, ...(part.layer ?? [])].map(({ encoding }) => encoding?.y?.axis);
  return axes.every((axis) => axis !== null && axis?.labels !== false);
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
