/** Where transformers encodes by a class of its own, and not by tokenizer.json, is said; `makeTokenizerClasses.py` asked it. */
import fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { rebuiltByClass } from '../../../../lib/lowrank/src/llama/tokenizer/files/rebuiltByClass';

type Json = Readonly<Record<string, unknown>>;

interface Golden {
  readonly files: Readonly<Record<string, Json>>;
  readonly cases: readonly { readonly file: string; readonly model: string; readonly config: Json; readonly byFile: boolean }[];
}

const { files, cases }: Golden = JSON.parse(fs.readFileSync(new URL('../../../golden/tokenizerClasses.json', import.meta.url), 'utf8'));

describe.each(Object.keys(files))('tokenizer.json as of %s', (name) => {
  test.each(cases.filter(({ file }) => file === name))(
    '$model, $config: followed by transformers: $byFile',
    ({ file, model, config, byFile }) => {
      expect(rebuiltByClass(config, model, files[file] ?? {}) === undefined).toBe(byFile);
    },
  );
});
