import { Buffer as NodeBuffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { Buffer } from '../../../lib/lowrank/src/runtime/browser/node/buffer';

test('bytes and texts are those of Node', () => {
  const text = '\ufeffα/r – “x”';
  const bytes = NodeBuffer.from(text);
  expect([...Buffer.from(text)]).toEqual([...bytes]);
  expect(Buffer.byteLength(text)).toBe(NodeBuffer.byteLength(text));
  expect(Buffer.from(bytes.buffer, bytes.byteOffset + 3, 2).toString()).toBe('α');
  expect(Buffer.from([...bytes, 0xff]).toString()).toBe(NodeBuffer.from([...bytes, 0xff]).toString());
  const all = Array.from({ length: 10_000 }, (_, index) => index % 256);
  expect(Buffer.from(all).toString('latin1')).toBe(NodeBuffer.from(all).toString('latin1'));
  expect(Buffer.from(all).toString('latin1', 250, 260)).toBe(NodeBuffer.from(all).toString('latin1', 250, 260));
});

test('a part of a buffer is shared, and lists are joined up to a length', () => {
  const whole = Uint8Array.of(1, 2, 3);
  const part = Buffer.from(whole.buffer, 1, 2);
  part[0] = 9;
  expect([...whole]).toEqual([1, 9, 3]);
  expect([...Buffer.concat([part, whole])]).toEqual([9, 3, 1, 9, 3]);
  expect([...Buffer.concat([part, whole], 3)]).toEqual([9, 3, 1]);
  expect([...Buffer.concat([part], 4)]).toEqual([9, 3, 0, 0]);
});

test('an encoding that pages lack is refused', () => {
  expect(() => Buffer.from('a').toString('base64')).toThrow('text as base64 is not there in a browser; run this in Node');
  expect(() => Buffer.from('a', 'hex')).toThrow('text as hex is not there');
});
