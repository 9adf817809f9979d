/** `lowrank info`: describes a model or an adapter. */

import fs from 'node:fs';
import nodePath from 'node:path';
import { namesIn, pathKind } from '../../io';
import { openModelFiles } from '../../llama/files/openModelFiles';
import { parameterShapes } from '../../llama/parameterShapes';
import { readAdapterConfig } from '../../peft/files/adapterConfigFile';
import { openAdapterTensors } from '../../peft/files/adapterTensors';
import { methodOf } from '../../peft/methods';
import { printableJson, printableMessage } from '../../runtime/messages/printable';
import { sizeOf } from '../../runtime/sizeOf';
import type { CommandArguments } from '../arguments/commandArguments';
import { isAdapter, modelPath } from '../openModel';
import type { Streams } from '../streams';
import { UsageError } from '../usageError';

export async function run(args: CommandArguments, { stdout, stderr }: Streams): Promise<number> {
  const directory = args.text('adapter');
  const rows = directory === undefined ? [await modelInfo(modelPath(args, stderr))] : adapterFolders(directory).map(adapterInfo);
  if (args.isOn('json')) stdout.write(`${printableJson(directory === undefined ? rows[0] : rows)}\n`);
  else
    stdout.write(
      rows
        .map((row) =>
          Object.entries(row)
            .map(([name, value]) => `${inWords(name).padEnd(22)} ${value === null ? 'not stated' : printableMessage(`${value}`)}\n`)
            .join(''),
        )
        .join('\n'),
    );
  return 0;
}

/** Facts by name, also printed as JSON; null means that the file does not say. */
type Info = Readonly<Record<string, string | number | null>>;

async function modelInfo(path: string): Promise<Info> {
  const { config } = await openModelFiles(path);
  const parameters = [...parameterShapes(config)].reduce((sum, [, shape]) => sum + sizeOf(shape), 0);
  return {
    model: nodePath.basename(path),
    parameters,
    layers: config.numHiddenLayers,
    width: config.hiddenSize,
    heads: config.numAttentionHeads,
    keyValueHeads: config.numKeyValueHeads,
    vocabulary: config.vocabSize,
    positions: config.maxPositionEmbeddings,
  };
}

function adapterFolders(directory: string): string[] {
  if (isAdapter(directory)) return [directory];
  const folders = pathKind(directory) === 'folder' ? namesIn(directory).map((name) => nodePath.join(directory, name)) : [];
  const adapters = folders.filter(isAdapter);
  if (adapters.length === 0) throw new UsageError(`--adapter ${directory} contains no adapter, and neither does any folder in it`);
  return adapters;
}

function adapterInfo(folder: string): Info {
  const tensors = openAdapterTensors(folder);
  const config = readAdapterConfig(folder);
  const parameters = tensors.names.reduce((sum, name) => sum + sizeOf(tensors.shape(name)), 0);
  return {
    adapter: nodePath.basename(folder),
    method: config.peftType,
    ...methodOf(config.peftType).summary(config),
    baseModel: config.baseModelNameOrPath,
    tensors: tensors.names.length,
    parameters,
    bytes: fs.statSync(tensors.origin).size,
  };
}

/** `keyValueHeads` as `key value heads`. */
function inWords(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
