import fc from 'fast-check';
import { ArgumentError, encodeExample, ShapeError } from 'lowrank';
import { isExampleOf, type ReviewExample, reviewPrompt } from 'lowrank-review';
import { describe, expect, test } from 'vitest';
import { encodePrompt, type PromptTokenizer } from '../../lib/lowrank/src/train/data/encodeExample';

const example: ReviewExample = {
  id: 'one',
  source: 'lint',
  language: 'javascript',
  patch: '@@ -1,1 +1,2 @@\n a\n+var b;',
  needsReview: true,
  comment: 'Unexpected var.',
  code: 'a\nvar b;',
  refinedCode: 'a\nlet b;',
};

/** A token per UTF-16 unit; special tokens are a 1 in front. */
const tokenizer: PromptTokenizer = {
  eosTokenId: 2,
  encode: (text, { addSpecialTokens = true } = {}) => [
    ...(addSpecialTokens ? [1] : []),
    ...text.split('').map((c) => c.charCodeAt(0) + 10),
  ],
};

describe('reviewPrompt', () => {
  test("refuses an example with a misspelled field, and lets fields of one's own pass", () => {
    const { needsReview, comment, ...rest } = example;
    expect(() => isExampleOf('necessity', { ...rest, needReview: true } as never)).toRefuse(
      ArgumentError,
      "example one has a field 'needReview', which is not read; did you mean 'needsReview'?",
    );
    expect(() => reviewPrompt('comment', { ...rest, coment: comment } as never)).toRefuse(ArgumentError, "did you mean 'comment'?");
    const own = {
      ...example,
      path: 'a.js',
      stars: 3,
      commentId: 1,
      commentCount: 2,
      codeLines: 3,
      originalFile: 'b.js',
      reviewComment: '',
    };
    expect([isExampleOf('necessity', own), needsReview]).toEqual([true, true]);
    const { patch, code, ...bare } = own;
    expect([patch, code, isExampleOf('comment', { ...bare, mode: 'x', node: 'y' } as ReviewExample)]).toEqual([
      example.patch,
      example.code,
      false,
    ]);
  });

  test('writes the three sections of the Alpaca frame', () => {
    const { prompt, response } = reviewPrompt('necessity', example);
    expect(prompt).toMatch(
      /^[^\n]+\n\n### Instruction:\n[^\n]+\n\n### Input:\nThe diff hunk is: '@@ -1,1 \+1,2 @@\n a\n\+var b;'\n\n### Response:\n$/,
    );
    expect(response).toBe('yes');
    expect(reviewPrompt('necessity', { ...example, needsReview: false }).response).toBe('no');
  });

  test('asks for a comment on the hunk, or on the code where there is no hunk', () => {
    expect(reviewPrompt('comment', example)).toMatchObject({ response: 'Unexpected var.' });
    expect(reviewPrompt('comment', { ...example, patch: undefined }).prompt).toContain(
      "### Input:\nThe code is: 'a\nvar b;'\n\n### Response:",
    );
  });

  test('gives comment and code for refinement, marked where marks are known', () => {
    const { prompt, response } = reviewPrompt('refinement', example);
    expect(prompt).toContain("### Input:\nThe comment is: 'Unexpected var.'\nThe code is: 'a\nvar b;'\n\n### Response:\n");
    expect(response).toBe('a\nlet b;');
    expect(reviewPrompt('refinement', { ...example, markedCode: 'a\n<START>var b;<END>' }).prompt).toContain('<START>var b;<END>');
  });

  test('names the language when asked and known', () => {
    expect(reviewPrompt('comment', example, { languageLabel: true }).prompt).toContain(
      "### Input:\nThe programming language is: 'javascript'\nThe diff",
    );
    expect(reviewPrompt('comment', { ...example, language: '' }, { languageLabel: true }).prompt).not.toContain('programming language');
  });

  test('says where the code is', () => {
    const { prompt, cuttable } = reviewPrompt('comment', example, { languageLabel: true });
    expect(prompt.slice(cuttable.start, cuttable.end)).toBe(example.patch);
  });

  test('refuses an example without what the task is about', () => {
    expect(() => reviewPrompt('necessity', { ...example, patch: undefined })).toThrow(ArgumentError);
    expect(() => reviewPrompt('refinement', { ...example, comment: undefined })).toThrow(/example one/);
  });
});

describe('encodeExample', () => {
  const prompt = reviewPrompt('comment', example);
  const full = encodeExample(tokenizer, prompt, { maxLength: 10_000 });

  test('learns the response and the end token only', () => {
    const learned = full.labels.filter((label) => label !== -100);
    expect(learned).toEqual([...tokenizer.encode('Unexpected var.', { addSpecialTokens: false }), 2]);
    expect(full.labels.length).toBe(full.inputIds.length);
    expect(full.inputIds.slice(-learned.length)).toEqual(learned);
    expect(full.inputIds[0]).toBe(1);
  });

  test('cuts only code, whatever the length allowed', () => {
    const fixed = full.inputIds.length - (prompt.cuttable.end - prompt.cuttable.start);
    fc.assert(
      fc.property(fc.integer({ min: fixed, max: full.inputIds.length + 5 }), (maxLength) => {
        const { inputIds, labels } = encodeExample(tokenizer, prompt, { maxLength });
        expect(inputIds.length).toBe(Math.min(maxLength, full.inputIds.length));
        const text = String.fromCharCode(...inputIds.slice(1, -1).map((id) => id - 10));
        const kept = prompt.prompt.slice(prompt.cuttable.start, prompt.cuttable.start + maxLength - fixed);
        expect(text).toBe(
          prompt.prompt.slice(0, prompt.cuttable.start) +
            kept.slice(0, prompt.cuttable.end - prompt.cuttable.start) +
            prompt.prompt.slice(prompt.cuttable.end) +
            prompt.response,
        );
        expect(labels.slice(-16)).toEqual(full.labels.slice(-16));
      }),
    );
  });

  test('refuses when the response and the frame alone do not fit', () => {
    expect(() => encodeExample(tokenizer, prompt, { maxLength: 20 })).toThrow(ShapeError);
    expect(() => encodeExample(tokenizer, prompt, { maxLength: 3 })).toThrow(ShapeError);
    expect(() => encodeExample(tokenizer, prompt, { maxLength: Number.NaN })).toThrow(ArgumentError);
    expect(() => encodeExample({ ...tokenizer, eosTokenId: undefined }, prompt, { maxLength: 400 })).toThrow(/no end token/);
  });

  test('reads a prompt for generation as it was read in training', () => {
    const maxLength = full.inputIds.length - 10;
    const learned = full.labels.filter((label) => label !== -100).length;
    const trained = encodeExample(tokenizer, prompt, { maxLength });
    expect(encodePrompt(tokenizer, prompt, { maxLength: maxLength - learned })).toEqual(trained.inputIds.slice(0, -learned));
  });

  test('takes an empty response, NUL and lone surrogates', () => {
    expect(encodeExample(tokenizer, { prompt: '\0\ud800', response: '' }, { maxLength: 4 }).labels).toEqual([-100, -100, -100, 2]);
  });
});
