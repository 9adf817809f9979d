import { encodeExample } from 'lowrank';
import { expect, test } from 'vitest';

const END = 2;
/** A token per character; `.` is the end token. */
const tokenizer = {
  encode: (text: string) => Array.from(text, (character) => (character === '.' ? END : character.charCodeAt(0))),
  eosTokenId: END,
};
const learned = (response: string) => encodeExample(tokenizer, { prompt: 'p', response }, { maxLength: 20 }).labels.slice(1);

test('a response that a chat template has ended gets no second end token', () => {
  expect(learned('a.\n')).toEqual(tokenizer.encode('a.\n'));
  expect(learned('a.')).toEqual(tokenizer.encode('a.'));
});

test('any other response gets one, an end token in its middle or not', () => {
  expect(learned('a')).toEqual([...tokenizer.encode('a'), END]);
  expect(learned('a.b')).toEqual([...tokenizer.encode('a.b'), END]);
  expect(learned('')).toEqual([END]);
});
