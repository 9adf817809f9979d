import fs from 'node:fs';
import { FormatError } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { readJsonFile } from '../../lib/lowrank/src/io/jsonFile';
import { temporaryFolder } from './temporaryFolder';

const path = temporaryFolder();

function read(text: string) {
  fs.writeFileSync(path('a.json'), text);
  return readJsonFile(path('a.json'), { largest: 10_000_000 });
}

describe('a JSON document from outside', () => {
  test('is read, whatever stands in its strings', () => {
    expect(read('{"a":["[[[[\\"{{","\\\\"],"é":{"b":null}}')).toEqual({ a: ['[[[["{{', '\\'], é: { b: null } });
  });

  test.each([
    ['nested without end', `{"a":${'['.repeat(100_000)}`, /nesting is deeper than 64/],
    ['of many small lists', `{"a":[${'[],'.repeat(100_000)}[]]}`, /more than 131072 lists, objects and entries in them/],
    [
      'of many keys',
      `{${Array.from({ length: 600_000 }, (_, i) => `"k${i}":0`).join()}}`,
      /more than 131072 lists, objects and entries in them/,
    ],
    ['that is a list', '[]', /not an object/],
    ['that breaks off', '{"a":', /not valid JSON/],
    ['that is larger than it may be', ' '.repeat(10_000_001), /10000001 bytes of JSON/],
  ])('%s is refused', (_, text, reason) => {
    expect(() => read(text)).toRefuse(FormatError, reason);
  });
});
