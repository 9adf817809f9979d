import { arrow, box, counted, heading, note, text } from '../kit/draw';
import { type Drawing, MARGIN, type Shape, SMALL } from '../kit/shapes';

const [WIDTH_C, VOCABULARY, RANK, LAYERS] = [768, 30_000, 16, 4];
const PATH = 86; // the middle of what reaches the loss
const COLUMNS = [200, 308, 416] as const;
const [WIDE, HIGH] = [98, 34];

/** The tutorial's review model, as its code runs it. */
export function deadAdapters(): Drawing {
  const lora = (outputs: number) => RANK * (WIDTH_C + outputs);
  const [inLayers, atOutput] = [counted(LAYERS * lora(WIDTH_C)), counted(lora(VOCABULARY))];
  return {
    title: "What the tutorial's model computes",
    description:
      'Arrows from the tokens through the embedding, the first norm of each layer and the output layer to the loss. q, k and v each get the ' +
      'states, and no arrow leaves them. o and the second norm have no arrow at all. ' +
      `Over all layers LoRA has ${inLayers} numbers on q, as many on each of k, v and o, and ${atOutput} on the output layer.`,
    height: 496,
    shapes: [
      heading("What the tutorial's model computes"),
      ...note(MARGIN, 58, ['Blue has LoRA, purple is trained whole. Follow the arrows back.']),
      ...step(92, 'embedding', 'base'),
      ...arrow([PATH, 126, PATH, 220]),
      ...box({ x: MARGIN, y: 146, width: 516, height: 200 }, [], { tone: 'soft', look: 'dashed' }),
      text(526, 334, `one of ${LAYERS} layers`, { size: SMALL, tone: 'soft', anchor: 'end' }),
      ...COLUMNS.flatMap((x) => arrow([PATH, 178, x + WIDE / 2, 178, x + WIDE / 2, 219])),
      ...step(222, 'norm 1', 'full'),
      ...(['q', 'k', 'v'] as const).flatMap((name, index) => adapted(COLUMNS[index] ?? 0, 222, name)),
      ...adapted(COLUMNS[0], 278, 'o'),
      ...box({ x: COLUMNS[1], y: 278, width: WIDE, height: HIGH }, ['norm 2'], { tone: 'full' }),
      ...arrow([PATH, 256, PATH, 364]),
      ...step(366, 'output', 'lora'),
      ...note(COLUMNS[0], 380, [`LoRA: ${atOutput} numbers here, and`, `${inLayers} in q of all layers, as in k, v, o`]),
      ...arrow([PATH, 400, PATH, 438]),
      ...step(440, 'loss', 'soft'),
    ],
  };
}

function step(y: number, name: string, tone: 'base' | 'full' | 'lora' | 'soft'): Shape[] {
  return box({ x: PATH - 56, y, width: 112, height: HIGH }, [name], { tone });
}

function adapted(x: number, y: number, name: string): Shape[] {
  return box({ x, y, width: WIDE, height: HIGH }, [name], { tone: 'lora' });
}
