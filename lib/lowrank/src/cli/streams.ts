/** The streams that a command reads and writes; tests replace them and start no process. */
import process from 'node:process';
import type { Readable } from 'node:stream';
import type { LineStream } from '../runtime/messages/statusLine';

/** The three streams of a process. */
export interface Streams {
  readonly stdin: Readable;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: LineStream;
}

export const processStreams: Streams = process;
