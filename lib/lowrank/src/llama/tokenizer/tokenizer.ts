/** Converts text to token ids and back with a model's own vocabulary, through Hugging Face's `tokenizers` and `jinja`. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { makeFolder, writeTextAtomic } from '../../io';
import { storingIn } from '../../io/storingIn';
import { ArgumentError, FormatError } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { checkGiven } from '../../runtime/checks/door';
import { reasonOf } from '../../runtime/messages/reasonOf';
import { shown } from '../../runtime/messages/shown';
import { withinTime } from '../../runtime/withinTime';
import { type BoundedTemplate, boundedTemplate } from './chatTemplate/boundedTemplate';
import { chatVariables } from './chatTemplate/chatVariables';
import { importJinja, type Jinja } from './chatTemplate/jinjaLibrary';
import { buildEngine, type Engine, importTokenizers, knownIds, longestBuilding } from './engine';
import { tokenizerFromFolder, tokenizerPlace } from './files/tokenizerFromFolder';
import { tokenizerFromGguf } from './files/tokenizerFromGguf';
import { hasForeignExpression } from './parts/foreignExpressions';
import type { TokenizerDefinition } from './tokenizerDefinition';

/** One message of a conversation. */
export interface ChatMessage {
  /** A role that the model's template knows: `system`, `user` or `assistant`. */
  readonly role: string;
  readonly content: string;
}

const WRITTEN = ['tokenizer.json', 'tokenizer_config.json'] as const;
/** Files of another tokenizer, which would be read with this one. */
const REMOVED: readonly string[] = ['special_tokens_map.json', 'added_tokens.json', 'chat_template.jinja'];

/** Whether `savePretrained` writes or removes a file of that name. */
export const isTokenizerFile = (name: string): boolean => [...WRITTEN, ...REMOVED].includes(name);

/** In milliseconds; a template of ordinary size takes one or two. */
const LONGEST_RENDERING = 1000;
/** In milliseconds, for a short text. */
const LONGEST_ENCODING = 1000;

/** A model's tokenizer; its ids are those of Hugging Face's Python library. */
export class Tokenizer {
  readonly #engine: Engine;
  readonly #template: BoundedTemplate | undefined;
  /** Whether the file brought its own regular expressions, which may backtrack endlessly. */
  readonly #isForeign: boolean;

  private constructor(
    private readonly definition: TokenizerDefinition,
    engine: Engine,
    template: BoundedTemplate | undefined,
  ) {
    checkGiven('Tokenizer.fromPretrained makes a tokenizer', { definition }, { definition: '{tokenizerJson}' });
    this.#engine = engine;
    this.#template = template;
    this.#isForeign = hasForeignExpression(definition.tokenizerJson);
  }

  /**
   * The tokenizer in a GGUF file, or the `tokenizer.json` of a Hugging Face folder.
   *
   * @throws FormatError when there is none at `path` or it is malformed; UnsupportedError for a kind that this library does not read.
   */
  static async fromPretrained(path: string): Promise<Tokenizer> {
    const place = tokenizerPlace(path);
    const definition = place.isFolder ? tokenizerFromFolder(place.path) : await tokenizerFromGguf(place.path);
    const [tokenizers, jinja] = await Promise.all([importTokenizers(), importJinja()]);
    const { chatTemplate } = definition;
    const build = () => {
      const template = chatTemplate === undefined ? undefined : templateOf(jinja, chatTemplate);
      return new Tokenizer(definition, buildEngine(tokenizers, definition), template);
    };
    try {
      return withinTime(longestBuilding(definition), 'building it', build);
    } catch (cause) {
      throw new FormatError(`${definition.path}: this tokenizer cannot be built (${faultOf(cause)})`, { cause });
    }
  }

  /** The number of ids, including added tokens. */
  get vocabSize(): number {
    return this.#engine.model?.vocab.length ?? 0;
  }

  /** The id that begins a text, if the model has one. */
  get bosTokenId(): number | undefined {
    return this.#idOf(this.definition.bosToken);
  }

  /** The id that ends a text, if the model has one. */
  get eosTokenId(): number | undefined {
    return this.#idOf(this.definition.eosToken);
  }

  /** The id that fills short rows, if the model has one. */
  get padTokenId(): number | undefined {
    return this.#idOf(this.definition.padToken);
  }

  /**
   * The ids of a text. Special tokens written in the text are recognized; half of a surrogate pair becomes U+FFFD.
   *
   * @param options.addSpecialTokens whether to add the model's own tokens around the text, such as the begin token.
   * @defaultValue true
   * @throws ArgumentError when a regular expression of the tokenizer's file does not terminate.
   */
  encode(text: string, options: { readonly addSpecialTokens?: boolean } = {}): number[] {
    checkKnown('encode', options, ['addSpecialTokens']);
    const { addSpecialTokens = true } = options;
    if (typeof text !== 'string') throw new ArgumentError(`encode takes a text, not ${shown(text)}`);
    const wellFormed = text.replace(/\p{Surrogate}/gu, '\uFFFD');
    const encode = () =>
      this.#using('encode a text', (engine) => knownIds(engine.encode(wellFormed, { add_special_tokens: addSpecialTokens })));
    if (!this.#isForeign) return encode();
    const what = `cutting a text of ${text.length} characters by the expressions in ${this.definition.path}`;
    return withinTime(LONGEST_ENCODING + text.length / 50, what, encode);
  }

  /**
   * The text of some ids; invalid UTF-8 becomes U+FFFD.
   *
   * @param options.skipSpecialTokens whether to omit special tokens. @defaultValue false
   * @throws ArgumentError when an id is not in the vocabulary.
   */
  decode(ids: readonly number[], options: { readonly skipSpecialTokens?: boolean } = {}): string {
    checkKnown('decode', options, ['skipSpecialTokens']);
    const { skipSpecialTokens = false } = options;
    if (!Array.isArray(ids) && !ArrayBuffer.isView(ids)) throw new ArgumentError(`decode takes a list of token ids, not ${shown(ids)}`);
    const outside = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= this.vocabSize);
    if (outside !== undefined) throw new ArgumentError(`token id ${shown(outside)} is not in the vocabulary, 0…${this.vocabSize - 1}`);
    const known = Array.from(ids).filter((id) => this.#engine.id_to_token(id) !== undefined);
    if (known.length === 0) return '';
    return this.#using('decode tokens', (engine) => engine.decode(known, { skip_special_tokens: skipSpecialTokens }));
  }

  /** The token with this id as the vocabulary spells it, for example `Ġthe`. */
  idToToken(id: number): string | undefined {
    return this.#engine.id_to_token(id);
  }

  /** The id of a token as the vocabulary spells it. */
  tokenToId(token: string): number | undefined {
    return this.#engine.token_to_id(token);
  }

  /**
   * A conversation as one text in the format of the model's training. Encode it with `addSpecialTokens: false`, because the template adds
   * them.
   *
   * @param options.addGenerationPrompt whether the text ends where the model's answer begins. @defaultValue false
   * @throws ArgumentError when the model has no template, there is no message, or the template refuses these messages.
   */
  applyChatTemplate(messages: readonly ChatMessage[], options: { readonly addGenerationPrompt?: boolean } = {}): string {
    checkKnown('applyChatTemplate', options, ['addGenerationPrompt']);
    const { addGenerationPrompt = false } = options;
    const { path } = this.definition;
    if (!this.#template) throw new ArgumentError(`${path} has no chat template, so it is not a chat model. Write the prompt as plain text`);
    const template = this.#template;
    const given = chatVariables(this.definition, messages, addGenerationPrompt);
    try {
      return withinTime(LONGEST_RENDERING, 'filling it', () => template.render(given));
    } catch (cause) {
      throw new ArgumentError(`the chat template of ${path} refuses these messages: ${reasonOf(cause)}`, { cause });
    }
  }

  /**
   * Writes `tokenizer.json` and `tokenizer_config.json` into a folder, creating it if necessary. Other files of an older tokenizer there are
   * removed, since they would change this one.
   */
  savePretrained(folder: string): void {
    const { tokenizerJson, bosToken, eosToken, padToken, unkToken, sepToken, clsToken, maskToken, chatTemplate } = this.definition;
    const config = {
      ...{ bos_token: bosToken, eos_token: eosToken, pad_token: padToken, unk_token: unkToken },
      ...{ sep_token: sepToken, cls_token: clsToken, mask_token: maskToken },
      chat_template: chatTemplate,
      clean_up_tokenization_spaces: false,
      tokenizer_class: 'PreTrainedTokenizerFast',
    };
    storingIn(folder, 'tokenizer', () => {
      makeFolder(folder);
      const contents = { 'tokenizer.json': tokenizerJson, 'tokenizer_config.json': config };
      for (const name of WRITTEN) writeTextAtomic(nodePath.join(folder, name), `${JSON.stringify(contents[name], null, 2)}\n`);
      for (const name of REMOVED) fs.rmSync(nodePath.join(folder, name), { force: true });
    });
  }

  /** Errors in a file's post-processor or decoder appear only when it is used. */
  #using<T>(what: string, work: (engine: Engine) => T): T {
    try {
      return work(this.#engine);
    } catch (cause) {
      throw new FormatError(`${this.definition.path}: this tokenizer cannot ${what} (${faultOf(cause)})`, { cause });
    }
  }

  #idOf(token: string | undefined): number | undefined {
    return token === undefined ? undefined : this.#engine.token_to_id(token);
  }
}

/** Why the engine fails on a file; for a missing part, its error is about its own code. */
const faultOf = (cause: unknown): string => (cause instanceof TypeError ? 'a part of it is missing, or of another kind' : reasonOf(cause));

/** A template that cannot be read throws only when it is used, as in transformers: plain texts need none. */
function templateOf(jinja: Jinja, source: string): BoundedTemplate {
  try {
    return boundedTemplate(jinja, source);
  } catch (cause) {
    const render = () => {
      throw new Error(`it cannot be read here (${reasonOf(cause)}); write the prompt as plain text`, { cause });
    };
    return { render };
  }
}
