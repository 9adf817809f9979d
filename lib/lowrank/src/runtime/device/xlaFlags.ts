/** Checks `XLA_FLAGS`: an unknown flag would make TensorFlow end the whole process at the first compilation. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { ArgumentError } from '../errors';

const LIBRARY = 'libtensorflow_cc.so.2';
const CHUNK = 2 ** 22; // bytes

/**
 * Looks up the name of each flag among the strings of TensorFlow's library. The value of a flag is not checked: TensorFlow still ends the
 * process over a value that XLA cannot read (`--xla_gpu_autotune_level=x`).
 *
 * @param flags - the variable's text: flags, or the path of a file with flags
 * @param library - by default the library that the native binding loads
 * @returns the flags, those in the file if there is one
 * @throws ArgumentError with the unknown flags, or with the file that cannot be read, which XLA would ignore silently.
 */
export function checkXlaFlags(flags: string, library = tensorflowLibrary()): string {
  const given = flags.trim();
  if (given === '') return given;
  const tokens = (given.startsWith('-') ? given : flagsInFile(given)).match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? [];
  const names = tokens.map((token) => {
    const [, name] = /^--(\w+)(?:=|$)/.exec(token) ?? [];
    if (name === undefined)
      throw new ArgumentError(`XLA_FLAGS has ${shown(token)}, which is not a flag; flags look like --xla_dump_to=PATH`);
    return name;
  });
  const unknown = library === undefined ? undefined : namesNotIn(library, names)[0];
  if (unknown === undefined) return tokens.join(' ');
  throw new ArgumentError(
    `XLA_FLAGS has --${shown(unknown)}, which this TensorFlow does not know, and over which it would end the process; take it out, or correct it`,
  );
}

function flagsInFile(path: string): string {
  try {
    return fs.readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new ArgumentError(`XLA_FLAGS is neither flags (--xla_…) nor a file of them that can be read: ${shown(path)}`, { cause });
  }
}

/** The names that the library does not contain. Its flags stand in its first 56 MB, and no more is read. */
function namesNotIn(library: string, names: readonly string[]): string[] {
  const left = new Map(names.map((name) => [name, Buffer.from(`${name}\0`)]));
  const overlap = Math.max(0, ...Array.from(left.values(), ({ length }) => length)) - 1;
  const chunk = Buffer.alloc(CHUNK);
  const descriptor = fs.openSync(library, 'r');
  try {
    for (let at = 0, read = CHUNK; left.size > 0 && read === CHUNK; at += CHUNK - overlap) {
      read = fs.readSync(descriptor, chunk, 0, CHUNK, at);
      for (const [name, text] of left) if (chunk.subarray(0, read).includes(text)) left.delete(name);
    }
  } finally {
    fs.closeSync(descriptor);
  }
  return [...left.keys()];
}

/** The run path by which the native binding finds TensorFlow; undefined if it has none, as after another kind of set-up. */
function tensorflowLibrary(): string | undefined {
  try {
    const tfjs = nodePath.dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json'));
    const binding = fs.readFileSync(nodePath.join(tfjs, 'lib', 'napi-v8', 'tfjs_tensorflow.so'), 'latin1');
    const folders = (binding.match(/\/[^\0]*\/tensorflow(?=[:\0])[^\0]*/g) ?? []).flatMap((path) =>
      Buffer.from(path, 'latin1').toString().split(':'),
    );
    return folders.map((folder) => nodePath.join(folder, LIBRARY)).find((path) => fs.existsSync(path));
  } catch {
    return undefined; // the binding is not built; loading it reports that
  }
}

function shown(text: string): string {
  return text.slice(0, 100);
}
