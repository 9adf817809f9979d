import * as glyphs from './courseGlyphs';
import { box, heading, line, note, text } from './kit/draw';
import type { Tone } from './kit/palette';
import { type Drawing, MARGIN, type Shape, SMALL } from './kit/shapes';

interface Station {
  /** The beginning of its notebook's file name. */
  readonly number: string;
  readonly name: string;
  readonly question: string;
  readonly glyph: glyphs.Glyph;
  /** @defaultValue a neutral one */
  readonly tone?: Tone;
}

/** The parts of the course and their notebooks, in the order in which they are read. */
const PARTS: readonly { readonly title: string; readonly stations: readonly Station[] }[] = [
  {
    title: 'Begin',
    stations: [
      { number: '00', name: 'Start', question: 'What is this, and does it run here?', glyph: glyphs.check },
      { number: '01', name: 'Why PEFT', question: 'Why not train all the weights?', glyph: glyphs.bars, tone: 'full' },
    ],
  },
  {
    title: 'Two methods',
    stations: [
      { number: '02', name: 'LoRA', question: 'How small can an update be?', glyph: glyphs.thin, tone: 'lora' },
      { number: '03', name: 'Zero-init prefix', question: 'How can one add and not disturb?', glyph: glyphs.prefix, tone: 'prefix' },
      { number: '04', name: 'Seeing the update', question: 'What has training changed?', glyph: glyphs.heat },
    ],
  },
  {
    title: 'A model that reviews code',
    stations: [
      { number: '05', name: 'A code-review model', question: 'Can I train one myself?', glyph: glyphs.tokens },
      { number: '06', name: 'LoRA versus prefix', question: 'Which is better, and how sure is that?', glyph: glyphs.intervals },
    ],
  },
  {
    title: 'In practice',
    stations: [
      { number: '07', name: 'Adapters in practice', question: 'How are they kept, joined and merged?', glyph: glyphs.adapters },
      { number: '08', name: 'From hunk to review', question: 'How does a diff get its comments?', glyph: glyphs.review },
      { number: '09', name: 'Making it fast', question: 'Where does the time go?', glyph: glyphs.calls },
      { number: '10', name: 'Beyond one machine', question: 'How do many machines train one adapter?', glyph: glyphs.machines },
    ],
  },
  {
    title: 'To keep',
    stations: [
      { number: '11', name: 'Takeaways', question: 'What is worth remembering?', glyph: glyphs.list },
      { number: '12', name: 'Errata', question: 'Where is the tutorial wrong?', glyph: glyphs.struck },
    ],
  },
];

const [ROAD, TEXTS, GLYPHS] = [MARGIN + 19, MARGIN + 56, 444];
const [STEP, GAP] = [50, 34];
const HALF = 13; // of a station's height

/** The whole course on one page: a road whose stations are notebooks. */
export function courseMap(): Drawing {
  const shapes: Shape[] = [];
  const stops: number[] = [];
  let y = 66;
  for (const { title, stations } of PARTS) {
    y += GAP;
    shapes.push(text(TEXTS, y, title, { size: SMALL, tone: 'soft' }));
    y += 12;
    for (const station of stations) {
      shapes.push(...drawn(y + STEP / 2, station));
      stops.push(y + STEP / 2);
      y += STEP;
    }
  }
  const road = stops.slice(1).map((to, index) => line([ROAD, (stops[index] ?? to) + HALF, ROAD, to - HALF], 'base'));
  const told = PARTS.map(
    ({ title, stations }) => `${title}: ${stations.map(({ number, name, question }) => `${number} ${name}: ${question}`).join(' ')}`,
  );
  return {
    title: 'The course on one page',
    description: `Notebooks in reading order, each with the question that it answers. ${told.join(' ')}`,
    height: y + 20,
    shapes: [heading('The course on one page'), ...note(MARGIN, 58, ['Each notebook answers a question.']), ...road, ...shapes],
  };
}

function drawn(middle: number, { number, name, question, glyph, tone = 'soft' }: Station): Shape[] {
  const place = { x: ROAD - 19, y: middle - HALF, width: 38, height: 2 * HALF };
  return [
    ...box(place, [number], { tone, radius: HALF, text: { size: SMALL, isBold: true } }),
    text(TEXTS, middle - 3, name, { isBold: true }),
    text(TEXTS, middle + 17, question, { size: SMALL }),
    ...glyph(GLYPHS, middle - 17),
  ];
}
