/** Reads prompts and completions from a file of JSON lines. */
import fs from 'node:fs';
import { fileFault, isJsonObject, type JsonObject, pathKind } from '../../io';
import { textLines } from '../../io/textLines';
import type { ChatMessage } from '../../llama';
import { ArgumentError, FormatError, LowrankError, UnsupportedError } from '../../runtime';
import { reasonOf } from '../../runtime/messages/reasonOf';
import { warn } from '../../runtime/messages/warn';
import type { TextExample } from './encodeExample';

/** The part of a tokenizer that conversations need. */
interface ChatTemplate {
  applyChatTemplate(messages: readonly ChatMessage[], options?: { readonly addGenerationPrompt?: boolean }): string;
}

/** The record of a line: a prompt and its completion, or a conversation whose last turn is learned. */
type TextRecord = { readonly prompt: string; readonly completion: string } | { readonly messages: readonly ChatMessage[] };

/**
 * Reads `{"prompt": …, "completion": …}` or `{"messages": [{"role": …, "content": …}, …]}` per line, the two formats of TRL and OpenAI's
 * API. One warning names the keys that are not read.
 *
 * @throws FormatError with the line that is not such a record, or when the file has no record; UnsupportedError for a conversation with tools, or
 * whose last turn has the weight 0.
 */
export async function readTextRecords(path: string): Promise<TextRecord[]> {
  if (pathKind(path) !== 'file') throw new FormatError(`${path} is not a file; expected JSON lines of {prompt, completion} or {messages}`);
  const records: TextRecord[] = [];
  const unread = new Set<string>();
  try {
    for await (const line of textLines(fs.createReadStream(path))) {
      const place = `${path}, line ${line.line}`;
      if (line.problem !== undefined) throw new FormatError(`${place}: ${line.problem}`);
      records.push(record(parsed(line.text, place), place, unread));
    }
  } catch (cause) {
    if (cause instanceof LowrankError) throw cause;
    throw new FormatError(`${path} cannot be read (${fileFault(cause)})`, { cause });
  }
  if (records.length === 0) throw new FormatError(`${path} is empty; expected JSON lines of {prompt, completion} or {messages}`);
  if (unread.size > 0) warn(`${path}: these keys are not read: ${[...unread].slice(0, 20).join(', ')}`);
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

function record(value: JsonObject, place: string, unread: Set<string>): TextRecord {
  const { prompt, completion, messages, tools = null, ...others } = value;
  if (messages !== undefined && (prompt !== undefined || completion !== undefined))
    throw new FormatError(`${place}: both messages and prompt or completion; give one of them`);
  if (tools !== null) throw new UnsupportedError(`${place}: "tools" are not put into the prompt here; write them into the messages`);
  for (const name of Object.keys(others)) unread.add(name);
  if (typeof prompt === 'string' && typeof completion === 'string') return { prompt, completion };
  if (Array.isArray(messages) && messages.length > 1 && messages.every(isMessage)) {
    if (messages.at(-1)?.role !== 'assistant')
      throw new FormatError(`${place}: the last of messages is not the assistant's, which is learned`);
    return {
      messages: messages.map((message, index) => turn(message, place, unread, index === messages.length - 1)),
    };
  }
  throw new FormatError(`${place}: neither {prompt, completion} nor {messages: [{role, content}, …]} of text`);
}

/** A turn of a conversation, without what OpenAI's format has besides. */
function turn(message: JsonObject & ChatMessage, place: string, unread: Set<string>, isLearned: boolean): ChatMessage {
  const { role, content, weight, tool_calls: calls = null, function_call: call = null, ...others } = message;
  if (calls !== null || call !== null)
    throw new UnsupportedError(`${place}: calls of tools are not learned here; write them into the content of the message`);
  if (isLearned && weight === 0)
    throw new UnsupportedError(`${place}: the last of messages has the weight 0, and it is the one that is learned`);
  for (const name of Object.keys(others)) unread.add(`messages.${name}`);
  return { role, content };
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

function isMessage(value: unknown): value is JsonObject & ChatMessage {
  return isJsonObject(value) && typeof value.role === 'string' && typeof value.content === 'string';
}
