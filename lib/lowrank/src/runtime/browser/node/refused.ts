/** In place of what a browser has not: node:net, node:dgram, node:child_process, node:events. */
import { UnsupportedError } from '../../errors';

function refusing(what: string): () => never {
  return () => {
    throw new UnsupportedError(`${what} is not there in a browser; run this in Node`);
  };
}

export const execFileSync = refusing("another process (Node's child_process)");
export const createServer = refusing("a server (Node's net)");
export const createSocket = refusing("a socket (Node's dgram)");
export const once = refusing("Node's events");
