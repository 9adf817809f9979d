/** Whether a layer can stand where another is. */
import { ArgumentError, ShapeError } from '../runtime';
import type { ModuleKind } from './moduleKind';

/** A Module, as far as the check goes. */
interface Layer {
  readonly kind: ModuleKind | undefined;
}

/** What those that call a layer of a kind use of it. */
const MEMBERS: Readonly<Record<ModuleKind, readonly string[]>> = {
  projection: ['forward', 'inFeatures', 'outFeatures'],
  'token table': ['forward', 'weight'],
  norm: ['forward'],
  attention: ['forward'],
  MLP: ['forward'],
  'decoder layer': ['forward'],
};

/** The widths that must stay; a vocabulary may grow, so that a table and a head may have other ones on that side. */
const WIDTHS: Partial<Readonly<Record<ModuleKind, readonly string[]>>> = {
  projection: ['inFeatures', 'outFeatures'],
  'token table': ['embeddingDim'],
};

/**
 * Checks what is put in a layer's place.
 *
 * @throws ArgumentError when it is no Module, is of another kind, or lacks what its callers use; ShapeError when its widths are others.
 */
export function checkReplacement(path: string, before: Layer, replacement: unknown): void {
  if (!isModule(replacement)) throw new ArgumentError(`what is put at '${path}' is no Module but ${describe(replacement)}`);
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
  if (replacement.kind !== kind) return; // a layer of the caller's own, whose widths are its own affair
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
