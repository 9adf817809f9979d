/** Writes a drawing as SVG. */
import { PALETTE, type Tone } from './palette';
import { type Drawing, type Shape, WIDTH } from './shapes';

const DARK = '@media (prefers-color-scheme: dark)';

/** A complete file without outside references. */
export function toSvg({ title, description, height, shapes }: Drawing): string {
  const size = `width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-labelledby="title description" font-family="system-ui, sans-serif">`,
    `<title id="title">${escaped(title)}</title>`,
    `<desc id="description">${escaped(description)}</desc>`,
    `<style>${DARK} { ${darkRules()} }</style>`,
    `<rect x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="10" ${painted('card', 'edge')}/>`,
    ...shapes.map(element),
    '</svg>',
    '',
  ].join('\n');
}

/** A class for each tone that differs in the dark; elsewhere the attributes hold. */
function darkRules(): string {
  const differing = (Object.keys(PALETTE) as Tone[]).filter((tone) => PALETTE[tone].light !== PALETTE[tone].dark);
  return differing.map((tone) => `.f-${tone} { fill: ${PALETTE[tone].dark} } .s-${tone} { stroke: ${PALETTE[tone].dark} }`).join(' ');
}

function painted(fill: Tone | undefined, stroke?: Tone): string {
  const classes = [fill && `f-${fill}`, stroke && `s-${stroke}`].filter(Boolean).join(' ');
  const paint = [`fill="${fill ? PALETTE[fill].light : 'none'}"`, stroke && `stroke="${PALETTE[stroke].light}"`];
  return [`class="${classes}"`, ...paint.filter(Boolean)].join(' ');
}

function element(shape: Shape): string {
  if (shape.kind === 'text') {
    const { x, y, size, tone, anchor, isBold, isMono, content } = shape;
    const font = [isBold && ' font-weight="600"', isMono && ' font-family="ui-monospace, monospace"'].filter(Boolean).join('');
    const place = `x="${short(x)}" y="${short(y)}" font-size="${short(size)}"${anchor === 'start' ? '' : ` text-anchor="${anchor}"`}`;
    return `<text ${place}${font} ${painted(tone)} xml:space="preserve">${escaped(content)}</text>`;
  }
  if (shape.kind === 'rectangle') {
    const { x, y, width, height, tone, look, radius } = shape;
    const place = `x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}"${radius ? ` rx="${radius}"` : ''}`;
    if (look === 'solid') return `<rect ${place} ${painted(tone)}/>`;
    if (look === 'dashed') return `<rect ${place} ${painted(undefined, tone)} stroke-width="1.5" stroke-dasharray="5 4"/>`;
    return `<rect ${place} ${painted(tone, tone)} fill-opacity="0.16" stroke-width="1.5"/>`;
  }
  const points = shape.points.map(([x, y]) => `${short(x)},${short(y)}`).join(' ');
  if (shape.kind === 'line') {
    const dashes = shape.isDashed ? ' stroke-dasharray="5 4"' : '';
    return `<polyline points="${points}" ${painted(undefined, shape.tone)} stroke-width="1.8" stroke-linejoin="round"${dashes}/>`;
  }
  if (shape.look === 'solid') return `<polygon points="${points}" ${painted(shape.tone)}/>`;
  return `<polygon points="${points}" ${painted(shape.tone, shape.tone)} fill-opacity="0.16" stroke-width="1.5"/>`;
}

function short(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
