/** The tokenizer of a Hugging Face folder: `tokenizer.json`, `tokenizer_config.json` and, in newer ones, `chat_template.jinja`. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { isJsonObject, readJsonFile } from '../io';
import { FormatError } from '../runtime';
import type { TokenizerDefinition } from './tokenizer';

const LARGEST_TOKENIZER = 100_000_000; // Gemma 3's has 33 million bytes
const MOST_CONTAINERS = 2 ** 21; // one a merge and an added token
const LARGEST_CONFIG = 20_000_000;

/** @throws FormatError when the folder has no `tokenizer.json`, or a file is malformed. */
export function tokenizerFromFolder(folder: string): TokenizerDefinition {
  const path = nodePath.join(folder, 'tokenizer.json');
  if (!fs.existsSync(path))
    throw new FormatError(`${folder} has no tokenizer.json; save the tokenizer there with transformers' save_pretrained`);
  const tokenizerJson = readJsonFile(path, { largest: LARGEST_TOKENIZER, mostContainers: MOST_CONTAINERS });
  const configPath = nodePath.join(folder, 'tokenizer_config.json');
  const config = fs.existsSync(configPath) ? readJsonFile(configPath, { largest: LARGEST_CONFIG }) : {};
  const token = (name: string) => tokenText(config[name]);
  return {
    path: folder,
    tokenizerJson: { added_tokens: [], normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null, ...tokenizerJson },
    bosToken: token('bos_token'),
    eosToken: token('eos_token'),
    padToken: token('pad_token'),
    unkToken: token('unk_token'),
    chatTemplate: chatTemplate(folder, config.chat_template),
  };
}

/** A token is given as its text, or as an object around it. */
function tokenText(token: unknown): string | undefined {
  const text = isJsonObject(token) ? token.content : token;
  return typeof text === 'string' ? text : undefined;
}

/** A file of its own, a text, or a list of named ones of which `default` counts. */
function chatTemplate(folder: string, given: unknown): string | undefined {
  const path = nodePath.join(folder, 'chat_template.jinja');
  if (fs.existsSync(path)) return fs.readFileSync(path, 'utf8');
  if (!Array.isArray(given)) return typeof given === 'string' ? given : undefined;
  const named: unknown = given.find((item) => isJsonObject(item) && item.name === 'default');
  return isJsonObject(named) && typeof named.template === 'string' ? named.template : undefined;
}
