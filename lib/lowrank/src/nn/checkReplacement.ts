/** Checks whether one layer can replace another. */
import { ArgumentError, ShapeError } from '../runtime';
import type { ModuleKind } from './moduleKind';

/** The part of a Module that the check needs. */
interface Layer {
  readonly kind: ModuleKind | undefined;
}

/** The members that callers use, for each kind of layer. */
const MEMBERS: Readonly<Record<ModuleKind, readonly string[]>> = {
  projection: ['forward', 'inFeatures', 'outFeatures'],
  'token table': ['forward', 'weight'],
  norm: ['forward'],
  attention: ['forward'],
  MLP: ['forward'],
  'decoder layer': ['forward'],
  decoder: ['forward', 'embedTokens', 'layers', 'norm'],
};

/** The widths that must stay. A vocabulary may grow, so the widths of a table and of a head on that side may change. */
const WIDTHS: Partial<Readonly<Record<ModuleKind, readonly string[]>>> = {
  projection: ['inFeatures', 'outFeatures'],
  'token table': ['embeddingDim'],
};

/**
 * Checks the replacement of a layer.
 *
 * @throws ArgumentError when it is not a Module, has another kind, or lacks a member that callers use; ShapeError when it has other widths.
 */
export function checkReplacement(path: string, before: Layer, replacement: unknown): void {
  if (!isModule(replacement)) throw new ArgumentError(`the replacement at '${path}' is not a Module but ${describe(replacement)}`);
  const { kind } = before;
  if (!kind) return;
  if (replacement.kind && replacement.kind !== kind) {
    throw new ArgumentError(
      `'${path}' is of the kind '${kind}'; a ${describe(replacement)}, of the kind '${replacement.kind}', cannot go there`,
    );
  }
  const missing = MEMBERS[kind].filter((member) => !(member in replacement));
  if (missing.length > 0) {
    throw new ArgumentError(
      `'${path}' is of the kind '${kind}'; a ${describe(replacement)} cannot go there, as it has no ${missing.join(', ')}`,
    );
  }
  if (replacement.kind !== kind) return; // the caller's own layer without a kind: its widths are not checked
  for (const name of WIDTHS[kind] ?? []) {
    const [was, is] = [Reflect.get(before, name), Reflect.get(replacement, name)];
    if (was === is || (name === 'outFeatures' && /(^|\.)lm_head$/.test(path))) continue;
    throw new ShapeError(`'${path}' has ${name} ${was}; a ${describe(replacement)} with ${name} ${is} cannot go there`);
  }
}

function isModule(value: unknown): value is Layer {
  return typeof value === 'object' && value !== null && 'namedModules' in value && 'ownParameters' in value;
}

function describe(value: unknown): string {
  return typeof value === 'object' && value !== null ? value.constructor.name : String(value);
}
