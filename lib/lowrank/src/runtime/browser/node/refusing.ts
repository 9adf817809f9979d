/** Stand-ins for the functions of Node that a browser lacks: each throws an UnsupportedError that names the function. */
import { UnsupportedError } from '../../errors';

export function refusing(what: string): () => never {
  return () => {
    throw new UnsupportedError(`${what} is not there in a browser; run this in Node`);
  };
}

/** A Node module with the given functions; all others throw. */
export function elseRefused<Known extends object>(module: string, known: Known): Known {
  return new Proxy(known, {
    get: (own, name) => (name in own || typeof name === 'symbol' ? Reflect.get(own, name) : refusing(`Node's ${module}.${name}`)),
  });
}
