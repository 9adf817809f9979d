/** Replaces modules that a browser lacks: node:net, node:dgram, node:dns/promises, node:child_process, node:events. */
import { refusing } from './refusing';

export const execFileSync = refusing("another process (Node's child_process)");
export const createServer = refusing("a server (Node's net)");
export const createSocket = refusing("a socket (Node's dgram)");
export const once = refusing("Node's events");
export const lookup = refusing("a name server (Node's dns)");
