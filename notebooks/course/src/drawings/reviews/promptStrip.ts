import { encodeExample, Tokenizer } from 'lowrank';
import { defaultModelPath } from 'lowrank/internal';
import { type ReviewExample, type ReviewTask, reviewPrompt } from 'lowrank-review';
import { box, heading, note, subheading, text } from '../kit/draw';
import { type Drawing, MARGIN, type Shape, SMALL, WIDTH } from '../kit/shapes';
import { textWidth } from '../kit/textExtent';

const EXAMPLE: ReviewExample = {
  id: 'drawn',
  source: 'lint',
  language: 'javascript',
  patch: '@@ -1,2 +1,2 @@\n-let n = 0;\n+var n = 0;\n f(n);',
  code: 'var n = 0;\nf(n);',
  needsReview: true,
  comment: 'Use let or const instead of var.',
  refinedCode: 'let n = 0;\nf(n);',
};

const TASKS: readonly ReviewTask[] = ['necessity', 'comment', 'refinement'];
const [LINE, HIGH] = [25, 22];
const LEARNED = { tone: 'ink', look: 'solid', text: { tone: 'card' } } as const;
const READ = { tone: 'base', text: { tone: 'ink' } } as const;

interface Token {
  readonly shown: string;
  readonly isLearned: boolean;
  readonly endsLine: boolean;
}

/** One training example of the comment task as its tokens: those that are read, and those that are learned. */
export async function promptStrip(): Promise<Drawing> {
  const tokenizer = await Tokenizer.fromPretrained(defaultModelPath());
  const tokens = tokensOf(tokenizer, 'comment');
  const counts = TASKS.map((task) => {
    const all = tokensOf(tokenizer, task);
    const learned = all.filter(({ isLearned }) => isLearned).length;
    return { task, learned, read: all.length - learned };
  });
  const strip = laidOut(tokens, 92);
  const told = counts.map(({ task, read, learned }) => `${task} ${read} read and ${learned} learned`).join('; ');
  return {
    title: 'The prompt is read, and only the answer is learned',
    description:
      'One training example of the comment task, token by token: preamble, instruction, code, and the answer with its end token. ' +
      `Only the answer and the end token enter the loss. Tokens of this example in the three tasks: ${told}.`,
    height: strip.bottom + 176,
    shapes: [
      heading('The prompt is read; only the answer is learned'),
      ...note(MARGIN, 58, ["A training example as SmolLM2's tokens. Filled ones enter the loss."]),
      ...strip.shapes,
      ...shares(strip.bottom + 46, counts),
    ],
  };
}

function tokensOf(tokenizer: Tokenizer, task: ReviewTask): Token[] {
  const { inputIds, labels } = encodeExample(tokenizer, reviewPrompt(task, EXAMPLE), { maxLength: 512 });
  return inputIds.map((id, index) => {
    const own = tokenizer.decode([id], { skipSpecialTokens: false });
    const shown = id === tokenizer.eosTokenId ? 'end' : own.replaceAll('\n', '↵');
    return { shown, isLearned: (labels[index] ?? -1) >= 0, endsLine: own.endsWith('\n') };
  });
}

/** Cells in rows, which end where a line of the prompt does or the card has no more room. */
function laidOut(tokens: readonly Token[], top: number): { shapes: Shape[]; bottom: number } {
  const shapes: Shape[] = [];
  let [x, y] = [MARGIN, top];
  for (const { shown, isLearned, endsLine } of tokens) {
    const width = textWidth({ content: shown, size: SMALL, isBold: false, isMono: true }) + 7;
    if (x + width > WIDTH - MARGIN) [x, y] = [MARGIN, y + LINE];
    const { text: own, ...look } = isLearned ? LEARNED : READ;
    shapes.push(...box({ x, y, width, height: HIGH }, [shown], { radius: 2, ...look, text: { ...own, size: SMALL, isMono: true } }));
    x += width + 2;
    if (endsLine) [x, y] = [MARGIN, y + LINE];
  }
  return { shapes, bottom: y + HIGH };
}

/** The learned share of an example, for each task on one scale. */
function shares(y: number, counts: readonly { task: ReviewTask; read: number; learned: number }[]): Shape[] {
  const left = 128;
  const scale = (WIDTH - MARGIN - 128 - left) / Math.max(...counts.map(({ read, learned }) => read + learned));
  const rows = counts.flatMap(({ task, read, learned }, index): Shape[] => {
    const at = y + 32 + 32 * index;
    const bar = { y: at - 14, height: 18, radius: 0, kind: 'rectangle' } as const;
    return [
      text(left - 10, at, task, { anchor: 'end', size: SMALL }),
      { ...bar, x: left, width: scale * read, tone: 'base', look: 'tint' },
      { ...bar, x: left + scale * read, width: scale * learned, tone: 'ink', look: 'solid' },
      text(left + scale * (read + learned) + 8, at, `${read} + ${learned}`, { size: SMALL }),
    ];
  });
  return [subheading(y, 'Tokens read + learned, for the same change'), ...rows];
}
