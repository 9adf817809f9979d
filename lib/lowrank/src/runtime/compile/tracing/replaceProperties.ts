/** Replaces properties of objects of others while a function is traced. */
import { UnsupportedError } from '../../errors';
import { sourceLine } from '../tfjsInternals';

/** Replaces some own properties of `target`; returns a function that restores them. */
export function replaceProperties(target: object, values: Readonly<Record<string, unknown>>): () => void {
  const before = Object.keys(values).map((key) => [key, Object.getOwnPropertyDescriptor(target, key)] as const);
  for (const [key, value] of Object.entries(values)) Object.defineProperty(target, key, { value, configurable: true, writable: true });
  return () => {
    for (const [key, descriptor] of before) {
      if (descriptor) Object.defineProperty(target, key, descriptor);
      else Reflect.deleteProperty(target, key);
    }
  };
}

/** Numbers drawn in JavaScript while tracing would be the same at every call. */
export function replaceRandom(name: string): () => void {
  return replaceProperties(Math, {
    random: () => {
      throw new UnsupportedError(
        `random numbers are drawn in JavaScript while '${name}' is traced (${sourceLine()}): they would be the same at every call. Pass them as a tensor.`,
      );
    },
  });
}
