import fs from 'node:fs';
import { FormatError, UnsupportedError } from 'lowrank';
import { describe, expect, test, vi } from 'vitest';
import { readTextRecords } from '../../../lib/lowrank/src/train/data/readTextExamples';
import { temporaryFolder } from '../../io/temporaryFolder';

const folder = temporaryFolder();
const user = { role: 'user', content: 'a' };
const assistant = { role: 'assistant', content: 'b' };

async function read(...records: readonly object[]) {
  fs.writeFileSync(folder('data.jsonl'), records.map((record) => JSON.stringify(record)).join('\n'));
  return readTextRecords(folder('data.jsonl'));
}

test('records are read whatever their line ends, blank lines and byte order mark', async () => {
  const line = JSON.stringify({ prompt: 'a', completion: 'b' });
  fs.writeFileSync(folder('marks.jsonl'), `\uFEFF${line}\r\n\r\n  ${line}  \n`);
  expect(await readTextRecords(folder('marks.jsonl'))).toEqual([
    { prompt: 'a', completion: 'b' },
    { prompt: 'a', completion: 'b' },
  ]);
});

test('turns keep what a template reads; one warning names the keys that nothing reads', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const messages = [{ ...user, name: 'Ann' }, { ...assistant, weight: 0, tool_calls: null }, user, { ...assistant, weight: 1 }];
  expect(await read({ prompt: 'a', completion: 'b', system: 's' }, { messages, id: 1 }, { messages, id: 2 })).toEqual([
    { prompt: 'a', completion: 'b' },
    ...Array.from({ length: 2 }, () => ({ messages: [user, assistant, user, assistant] })),
  ]);
  expect(warn.mock.calls.map(([text]) => text)).toEqual([
    expect.stringMatching(/data\.jsonl: these keys are not read: system, id, messages\.name$/),
  ]);
  warn.mockRestore();
});

describe('a record that means more than is learned here is refused, with its line', () => {
  const call = { function: { name: 'f', arguments: '{}' } };
  test.each([
    [
      'tools',
      { messages: [user, assistant], tools: [{ type: 'function' }] },
      UnsupportedError,
      /line 1: "tools" are not put into the prompt/,
    ],
    ['calls', { messages: [user, { ...assistant, tool_calls: [call] }] }, UnsupportedError, /line 1: calls of tools are not learned here/],
    ['an older call', { messages: [user, { ...assistant, function_call: call }] }, UnsupportedError, /calls of tools are not learned here/],
    [
      'an answer not to learn',
      { messages: [user, { ...assistant, weight: 0 }] },
      UnsupportedError,
      /the last of messages has the weight 0/,
    ],
    ['two formats', { prompt: 'a', completion: 'b', messages: [user, assistant] }, FormatError, /both messages and prompt or completion/],
    [
      'parts',
      { messages: [{ role: 'user', content: [{ type: 'text', text: 'a' }] }, assistant] },
      FormatError,
      /neither \{prompt, completion\}/,
    ],
    ['another last turn', { messages: [assistant, user] }, FormatError, /the last of messages is not the assistant's/],
  ])('%s', async (_, record, kind, message) => {
    await expect(read(record)).rejects.toThrow(kind);
    await expect(read(record)).rejects.toThrow(message);
  });
});
