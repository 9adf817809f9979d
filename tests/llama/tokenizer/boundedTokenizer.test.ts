/** Expressions and templates out of files come to an end. */
import fs from 'node:fs';
import { ArgumentError, Tokenizer } from 'lowrank';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../io/temporaryFolder';

const path = temporaryFolder();

async function read(name: string, pattern: string, template?: string): Promise<Tokenizer> {
  fs.mkdirSync(path(name));
  const cut = { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false };
  const model = { type: 'BPE', vocab: { a: 0, b: 1 }, merges: [] };
  fs.writeFileSync(path(`${name}/tokenizer.json`), JSON.stringify({ pre_tokenizer: cut, model }));
  if (template !== undefined) fs.writeFileSync(path(`${name}/chat_template.jinja`), template);
  return Tokenizer.fromPretrained(path(name));
}

test('an expression that backtracks without end is stopped; others cut as before', async () => {
  const tokenizer = await read('cut', '(a+)+b');
  expect(tokenizer.encode('aab')).toEqual([0, 0, 1]);
  expect(() => tokenizer.encode('a'.repeat(60))).toRefuse(ArgumentError, /cutting a text of 60 characters .* was stopped/);
  expect(tokenizer.encode('ab')).toEqual([0, 1]);
});

test('a chat template that loops without end is stopped', async () => {
  const loop = '{% for a in all %}{% for b in all %}{% for c in all %}{% endfor %}{% endfor %}{% endfor %}';
  const loops = `{% set all = range(10000) %}${loop}`;
  const tokenizer = await read('loops', 'a', `{% if messages[1] %}${loops}{% else %}none{% endif %}`);
  const message = { role: 'user', content: 'x' };
  expect(tokenizer.applyChatTemplate([message])).toBe('none');
  expect(() => tokenizer.applyChatTemplate([message, message])).toThrow(/chat template.*takes more than 1000 ms/);
});
