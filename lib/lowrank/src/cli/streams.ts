/** Where a command reads and writes, so that it can be run without a process of its own. */
import process from 'node:process';
import type { Readable } from 'node:stream';
import type { LineStream } from '../runtime/statusLine';

/** The three streams of a process. */
export interface Streams {
  readonly stdin: Readable;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: LineStream;
}

/** Those of this process. */
export const processStreams: Streams = process;
