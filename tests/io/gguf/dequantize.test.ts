import type { GgmlType } from 'lowrank';
import { expect, test } from 'vitest';
import { dequantize } from '../../../lib/lowrank/src/io';
import { GGML_FORMATS } from '../../../lib/lowrank/src/io/gguf/dequantize';
import golden from '../../golden/dequantize.json';

test.each(Object.keys(GGML_FORMATS) as GgmlType[])('%s blocks give the very values of llama.cpp', (type) => {
  const { bytes, values } = golden[type];
  const expected = new Float32Array(Uint8Array.from(Buffer.from(values, 'base64')).buffer);
  expect(dequantize(type, Buffer.from(bytes, 'base64'))).toEqual(expected);
});
