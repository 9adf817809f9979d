/** LoRA configurations with `ensureWeightTying` on a model whose output layer shares the embedding's table. */
import { type Module, toSnakeCase } from '../../nn';
import { ArgumentError, UnsupportedError } from '../../runtime';
import { warn } from '../../runtime/messages/warn';
import { adaptablePaths, isNamed, leafName, targetPaths } from '../config/targets';
import { hasTiedHead } from '../layers/tiedEnds';
import { LoraConfig } from './config';

const [TABLE, HEAD] = ['embed_tokens', 'lm_head'];

/**
 * The configuration with the embedding named in the place of the output layer, which shows the embedding's copy: as PEFT
 * spells it out in its file.
 *
 * @throws UnsupportedError for LoRA on a tied layer. PEFT shares the factors' memory there, but not their optimizer state or
 * their gradients, and a merge adds the update to the one table twice. ArgumentError when the two layers train other tokens.
 */
export function withEnsuredTying(model: Module, config: LoraConfig): LoraConfig {
  if (!config.ensureWeightTying || !hasTiedHead(model)) return config;
  const modules = new Map(model.namedModules());
  const isEnd = (name: string) => [TABLE, HEAD].includes(leafName(toSnakeCase(name)));
  const isSaved = config.modulesToSave.some(isEnd);
  const table = adaptablePaths(modules).find((path) => isNamed([TABLE], path)) ?? TABLE;
  const names = config.modulesToSave.filter((name) => leafName(toSnakeCase(name)) !== HEAD);
  const modulesToSave = isSaved && !names.includes(table) ? [...names, table] : names;
  const { peftType: _, ...options } = config;
  const spelledOut = new LoraConfig({ ...options, modulesToSave });
  const target = targetPaths(modules, spelledOut).find(isEnd);
  if (target !== undefined) {
    throw new UnsupportedError(
      `ensureWeightTying and LoRA on '${target}': a shared update is trained and merged twice in PEFT. Name both ends, ` +
        `targetModules: ['${TABLE}', '${HEAD}', …], with ensureWeightTying false, or save one: modulesToSave: ['${TABLE}']`,
    );
  }
  checkTokens(config, isSaved);
  return spelledOut;
}

/** Warns if there is nothing to tie. */
export function warnWithoutTying(model: Module, { ensureWeightTying, modulesToSave, trainableTokenIndices }: LoraConfig): void {
  if (!ensureWeightTying) return;
  const isNeeded = trainableTokenIndices !== undefined || modulesToSave.some((name) => isNamed([TABLE], name));
  if (!hasTiedHead(model)) warn('ensureWeightTying does nothing: the embedding and the output layer of this model are not tied');
  else if (!isNeeded) warn('ensureWeightTying does nothing: the adapter changes neither the embedding nor the output layer');
}

function checkTokens({ trainableTokenIndices: given }: LoraConfig, isSaved: boolean): void {
  if (given === undefined) return;
  const byName = Array.isArray(given) ? { [TABLE]: given } : given;
  const of = (end: string) => Object.entries(byName).find(([name]) => leafName(toSnakeCase(name)) === end)?.[1];
  const [table, head] = [of(TABLE), of(HEAD)];
  if (isSaved && (table || head)) {
    throw new UnsupportedError('ensureWeightTying: the tied layers are saved whole, so that none of their tokens can be trained alone');
  }
  if (head && !table) {
    throw new UnsupportedError(
      `ensureWeightTying: tokens of ${HEAD} alone are not tied, in PEFT either; name ${TABLE} in trainableTokenIndices`,
    );
  }
  if (table && head && table.join() !== head.join()) {
    throw new ArgumentError(
      `ensureWeightTying: ${TABLE} trains the tokens [${table}], and ${HEAD}, which shares its table, [${head}]: give both the same`,
    );
  }
}
