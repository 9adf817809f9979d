/** Replaces the part of node:crypto that writes files and names displays; hashes are refused. */
import { refusing } from './refusing';

/** Random bytes, as text in base 16. */
export function randomBytes(count: number): { toString(encoding: 'hex'): string } {
  const bytes = crypto.getRandomValues(new Uint8Array(count));
  return { toString: () => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('') };
}

export function randomUUID(): string {
  return randomBytes(16).toString('hex');
}

export const createHash = refusing("Node's createHash");
