import { arrow, box, heading, note, text } from '../kit/draw';
import { type Drawing, MARGIN, type Shape, SMALL } from '../kit/shapes';
import { SMOLLM2 } from '../models';

/** Vectors of a prefix, and the lowest layers that have none, as in the paper. */
const [PREFIX, PLAIN_LAYERS] = [10, 2];
/** Positions of the residual stream, and of the ends of its branches. */
const [STREAM, LEFT, RIGHT] = [48, 100, 538];
const HEIGHT = 48; // of a projection

/** One decoder layer from top to bottom, with the places where LoRA and a prefix go. */
export function transformerLayer(): Drawing {
  const { numHiddenLayers: layers } = SMOLLM2;
  return {
    title: 'Where LoRA and a prefix go in a transformer layer',
    description:
      `One of the ${layers} layers of SmolLM2-135M, whose own weights are frozen. The residual stream passes by an attention and an MLP, ` +
      'each of which adds to it. LoRA puts a pair A·B beside a projection: here beside q_proj and v_proj, as the paper does; ' +
      `any of the seven may have one. A prefix puts ${PREFIX} learned vectors beside the tokens. They pass through the frozen k_proj and ` +
      'v_proj, have a softmax of their own, and a gate g after it.',
    height: 888,
    shapes: [
      heading('Where LoRA and a prefix go'),
      ...note(MARGIN, 58, [`One of the ${layers} layers of SmolLM2-135M. Grey is frozen.`]),
      ...stream(),
      ...attention(100),
      ...mlp(498),
      ...legend(834, layers),
    ],
  };
}

function stream(): Shape[] {
  return [
    ...box({ x: STREAM - 22, y: 78, width: 44, height: 34 }, ['x'], { tone: 'base', text: { isBold: true } }),
    text(STREAM + 32, 100, 'the residual stream', { size: SMALL, tone: 'soft' }),
    ...arrow([STREAM, 112, STREAM, 431]),
    ...plus(447),
    ...arrow([STREAM, 463, STREAM, 733]),
    ...plus(749),
    ...arrow([STREAM, 765, STREAM, 800]),
    text(STREAM + 16, 796, 'to the next layer', { size: SMALL, tone: 'soft' }),
  ];
}

function attention(y: number): Shape[] {
  const { hiddenSize: C, numAttentionHeads: H, numKeyValueHeads: K } = SMOLLM2;
  const [keyWidth, top] = [(C / H) * K, y + 84];
  const [q, k, v] = [LEFT, 254, 390];
  const middles = [q + 52, k + 52, v + 52] as const;
  return [
    ...fromStream(y + 40, 'RMSNorm', 128),
    ...box({ x: 330, y: y + 6, width: RIGHT - 330, height: 36 }, [`${PREFIX} learned vectors`], { tone: 'prefix' }),
    ...middles.flatMap((x) => arrow([164, y + 57, 164, y + 66, x, y + 66, x, top])),
    ...[k + 74, v + 74].flatMap((x) => arrow([x, y + 42, x, top], 'prefix')),
    ...projection(q, top, 'q_proj', C, C),
    ...projection(k, top, 'k_proj', C, keyWidth),
    ...projection(v, top, 'v_proj', C, keyWidth),
    ...lora(q + 104, top),
    ...lora(v + 104, top),
    ...middles.flatMap((x) => arrow([x, top + HEIGHT, x, y + 160])),
    ...heads(y + 160, H),
    ...arrow([319, y + 272, 319, y + 322]),
    ...projection(267, y + 322, 'o_proj', C, C),
    ...arrow([267, y + 347, STREAM + 16, y + 347]),
  ];
}

/** The attention itself: two softmaxes side by side, and their sum. */
function heads(y: number, count: number): Shape[] {
  const [width, middle] = [196, (LEFT + RIGHT) / 2];
  return [
    { kind: 'rectangle', x: LEFT, y, width: RIGHT - LEFT, height: 112, tone: 'base', look: 'dashed', radius: 8 },
    text(LEFT + 12, y + 26, `attention, ${count} heads`),
    ...box({ x: LEFT + 10, y: y + 40, width, height: 60 }, ['softmax over', 'the tokens'], { tone: 'base' }),
    text(middle, y + 76, '+', { anchor: 'middle', isBold: true, size: 20 }),
    ...box({ x: RIGHT - 10 - width, y: y + 40, width, height: 60 }, ['g × softmax over', 'the prefix'], { tone: 'prefix' }),
  ];
}

function mlp(y: number): Shape[] {
  const { hiddenSize: C, intermediateSize: F } = SMOLLM2;
  const [gate, up, top] = [188, 346, y + 66];
  return [
    ...fromStream(y + 22, 'RMSNorm', 128),
    ...[gate + 52, up + 52].flatMap((x) => arrow([LEFT + 128, y + 22, x, y + 22, x, top])),
    ...projection(gate, top, 'gate_proj', C, F),
    ...projection(up, top, 'up_proj', C, F),
    ...[gate + 52, up + 52].flatMap((x) => arrow([x, top + HEIGHT, x, y + 144])),
    ...box({ x: 188, y: y + 144, width: 262, height: 36 }, ['SiLU(gate) × up'], { tone: 'base' }),
    ...arrow([319, y + 180, 319, y + 227]),
    ...projection(267, y + 227, 'down_proj', F, C),
    ...arrow([267, y + 251, STREAM + 16, y + 251]),
  ];
}

/** A branch off the residual stream, through a norm. */
function fromStream(y: number, name: string, width: number): Shape[] {
  return [...arrow([STREAM, y, LEFT, y]), ...box({ x: LEFT, y: y - 17, width, height: 34 }, [name], { tone: 'base' })];
}

function projection(x: number, y: number, name: string, from: number, to: number): Shape[] {
  return box({ x, y, width: 104, height: HEIGHT }, [name, `${from} → ${to}`], { tone: 'base', radius: 0, text: { size: SMALL } });
}

/** The pair beside a projection. */
function lora(x: number, y: number): Shape[] {
  return box({ x: x + 4, y, width: 40, height: HEIGHT }, ['A·B'], { tone: 'lora', radius: 0, text: { isBold: true, size: SMALL } });
}

function plus(y: number): Shape[] {
  return box({ x: STREAM - 16, y: y - 16, width: 32, height: 32 }, ['+'], { tone: 'base', radius: 16, text: { isBold: true } });
}

function legend(y: number, layers: number): Shape[] {
  const swatch = (at: number, tone: 'lora' | 'prefix'): Shape => {
    return { kind: 'rectangle', x: MARGIN, y: at - 12, width: 14, height: 14, tone, look: 'solid', radius: 3 };
  };
  return [
    swatch(y, 'lora'),
    text(MARGIN + 24, y, 'LoRA: beside q_proj and v_proj here, or any of the seven', { size: SMALL }),
    swatch(y + 28, 'prefix'),
    text(MARGIN + 24, y + 28, `prefix: in the upper ${layers - PLAIN_LAYERS} layers, one gate g each`, { size: SMALL }),
  ];
}
