/** Sends MIME bundles to the running tslab kernel. No other file touches tslab. */
import { printable } from 'lowrank/internal';
import type { MimeBundle } from './bundle';

interface DisplayMessage {
  readonly data: MimeBundle;
  readonly metadata: object;
  readonly transient: { readonly display_id?: string };
}

/** The function behind tslab's display helpers. Its public API sends only one MIME type at a time. */
type WriteDisplayData = (message: DisplayMessage, isUpdate: boolean) => void;

/** The display area of a cell, which later calls replace. */
export interface DisplayArea {
  readonly id: string;
  readonly isUpdate: boolean;
}

/** tslab's sender, if this process is a tslab kernel that has started to execute a cell. */
function kernelWriter(): WriteDisplayData | undefined {
  // Searches the loaded modules: outside a kernel, requiring tslab would load a TypeScript compiler for nothing.
  const path = Object.keys(require.cache).find((name) => name.replaceAll('\\', '/').endsWith('/tslab/dist/jupyter.js'));
  if (path === undefined) return undefined;
  const writer: unknown = require.cache[path]?.exports?.lastWriteDisplayData;
  return typeof writer === 'function' ? (writer as WriteDisplayData) : undefined;
}

export function isKernelAttached(): boolean {
  return kernelWriter() !== undefined;
}

/** Displays a bundle in the running cell. Outside a kernel, prints its plain text to stdout. */
export function displayBundle(bundle: MimeBundle, area?: DisplayArea): void {
  const write = kernelWriter();
  if (write) write({ data: bundle, metadata: {}, transient: area ? { display_id: area.id } : {} }, area?.isUpdate ?? false);
  else process.stdout.write(`${printable(String(bundle['text/plain'] ?? ''))}\n`);
}
