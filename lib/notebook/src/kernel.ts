/** The one place that touches tslab: sends a bundle of MIME types to the running kernel. */
import type { MimeBundle } from './bundle';

interface DisplayMessage {
  readonly data: MimeBundle;
  readonly metadata: object;
  readonly transient: { readonly display_id?: string };
}

/** What tslab's own display helpers call; not part of its public API, which sends a single MIME type at a time. */
type WriteDisplayData = (message: DisplayMessage, isUpdate: boolean) => void;

/** Names the display area of a cell that later calls replace. */
export interface DisplayArea {
  readonly id: string;
  readonly isUpdate: boolean;
}

/** tslab's sender, if this process is a tslab kernel that is executing, or has executed, a cell. */
function kernelWriter(): WriteDisplayData | undefined {
  // Looked up among the loaded modules: outside a kernel, requiring tslab would load a TypeScript compiler for nothing.
  const path = Object.keys(require.cache).find((name) => name.replaceAll('\\', '/').endsWith('/tslab/dist/jupyter.js'));
  if (path === undefined) return undefined;
  const writer: unknown = require.cache[path]?.exports?.lastWriteDisplayData;
  return typeof writer === 'function' ? (writer as WriteDisplayData) : undefined;
}

/** Whether a notebook is listening. */
export function isKernelAttached(): boolean {
  return kernelWriter() !== undefined;
}

/** Displays a bundle in the running cell; outside a kernel its plain text goes to stdout. */
export function displayBundle(bundle: MimeBundle, area?: DisplayArea): void {
  const write = kernelWriter();
  if (write) write({ data: bundle, metadata: {}, transient: area ? { display_id: area.id } : {} }, area?.isUpdate ?? false);
  else process.stdout.write(`${bundle['text/plain'] ?? ''}\n`);
}
