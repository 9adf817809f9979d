/** Reads prompts and completions from a file of JSON lines. */
import fs from 'node:fs';
import { fileFault, isJsonObject, type JsonObject, pathKind } from '../../io';
import { textLines } from '../../io/textLines';
import type { ChatMessage } from '../../llama';
import { ArgumentError, FormatError } from '../../runtime';
import { reasonOf } from '../../runtime/messages/reasonOf';
import type { TextExample } from './encodeExample';

/** The part of a tokenizer that conversations need. */
export interface ChatTemplate {
  applyChatTemplate(messages: readonly ChatMessage[], options?: { readonly addGenerationPrompt?: boolean }): string;
}

/** The record of a line: a prompt and its completion, or a conversation whose last turn is learned. */
export type TextRecord = { readonly prompt: string; readonly completion: string } | { readonly messages: readonly ChatMessage[] };

/**
 * Reads `{"prompt": …, "completion": …}` or `{"messages": [{"role": …, "content": …}, …]}` per line, the two formats of TRL and OpenAI's
 * API.
 *
 * @throws FormatError with the line that is not such a record, or when the file has no record.
 */
export async function readTextRecords(path: string): Promise<TextRecord[]> {
  if (pathKind(path) !== 'file') throw new FormatError(`${path} is not a file; expected JSON lines of {prompt, completion} or {messages}`);
  const records: TextRecord[] = [];
  try {
    for await (const line of textLines(fs.createReadStream(path))) {
      const place = `${path}, line ${line.line}`;
      if (line.problem !== undefined) throw new FormatError(`${place}: ${line.problem}`);
      records.push(record(line.text, place));
    }
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    throw new FormatError(`${path} cannot be read (${fileFault(cause)})`, { cause });
  }
  if (records.length === 0) throw new FormatError(`${path} is empty; expected JSON lines of {prompt, completion} or {messages}`);
  return records;
}

/**
 * The prompt and the learned text; the model's chat template formats a conversation.
 *
 * @throws ArgumentError when the model has no chat template, or the template does not continue the earlier turns' text.
 */
export function textExample(template: ChatTemplate, given: TextRecord): TextExample {
  if ('prompt' in given) return { prompt: given.prompt, response: given.completion };
  const prompt = template.applyChatTemplate(given.messages.slice(0, -1), { addGenerationPrompt: true });
  const whole = template.applyChatTemplate(given.messages);
  if (!whole.startsWith(prompt))
    throw new ArgumentError("the model's chat template writes earlier turns differently once an answer follows: give {prompt, completion}");
  return { prompt, response: whole.slice(prompt.length), addSpecialTokens: false };
}

function record(text: string, place: string): TextRecord {
  const value = parsed(text, place);
  const { prompt, completion, messages } = value;
  if (typeof prompt === 'string' && typeof completion === 'string') return { prompt, completion };
  if (Array.isArray(messages) && messages.length > 1 && messages.every(isMessage)) {
    if (messages.at(-1)?.role !== 'assistant')
      throw new FormatError(`${place}: the last of messages is not the assistant's, which is learned`);
    return { messages };
  }
  throw new FormatError(`${place}: neither {prompt, completion} nor {messages: [{role, content}, …]} of text`);
}

function parsed(text: string, place: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(`${place}: this is not valid JSON (${reasonOf(cause)})`, { cause });
  }
  if (!isJsonObject(value)) throw new FormatError(`${place}: this is not a JSON object`);
  return value;
}

function isMessage(value: unknown): value is ChatMessage {
  return isJsonObject(value) && typeof value.role === 'string' && typeof value.content === 'string';
}
