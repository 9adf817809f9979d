/** Reads files from outside. Every range is checked before memory is allocated, and errors name the place and the reason. */
import { Buffer } from 'node:buffer';
import fs from 'node:fs';
import { FormatError } from '../runtime';
import { fileFault } from './pathKind';

/** A malformed file: `file` is its path, `offset` the byte where the fault is, `reason` the fault. */
export class FileFormatError extends FormatError {
  constructor(
    readonly file: string,
    readonly offset: number,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`${file}, byte ${offset}: ${reason}`, options);
  }
}

/** Maximum bytes of one read(2) on Linux; larger ranges take several calls. */
const LARGEST_READ = 2 ** 30;

/** A file on disk. Each read opens it, or several share one with {@link BinaryFile.whileOpen}, so there is nothing to close. */
export class BinaryFile {
  readonly size: number;
  private descriptor: number | undefined;

  /** @throws FormatError when there is no readable file at `path`. */
  constructor(readonly path: string) {
    this.size = this.use((descriptor) => {
      const status = fs.fstatSync(descriptor);
      if (!status.isFile()) throw new FileFormatError(path, 0, 'not a regular file');
      refusePointer(path, descriptor, status.size);
      return status.size;
    });
  }

  /**
   * The bytes from `offset` on, in a new buffer at an aligned address.
   *
   * @throws FileFormatError when the file is shorter, before the buffer is allocated.
   */
  read(offset: number, length: number): Uint8Array {
    this.checkRange(offset, length);
    return this.readInto(new Uint8Array(length), offset);
  }

  /** Fills `bytes` from `offset` on and returns it. @throws FileFormatError when the file is shorter. */
  readInto(bytes: Uint8Array, offset: number): Uint8Array {
    const length = bytes.byteLength;
    this.checkRange(offset, length);
    this.use((descriptor) => {
      for (let done = 0; done < length; ) {
        const count = fs.readSync(descriptor, bytes, done, Math.min(length - done, LARGEST_READ), offset + done);
        if (count === 0) throw new FileFormatError(this.path, offset + done, 'the file ends here; it was shortened after it was opened');
        done += count;
      }
    });
    return bytes;
  }

  /** Runs `work`. The file is opened once for all its reads. */
  whileOpen<T>(work: (descriptor: number) => T): T {
    if (this.descriptor !== undefined) return work(this.descriptor);
    const descriptor = this.opened();
    this.descriptor = descriptor;
    try {
      return work(descriptor);
    } finally {
      this.descriptor = undefined;
      fs.closeSync(descriptor);
    }
  }

  private checkRange(offset: number, length: number): void {
    if (offset + length > this.size) {
      throw new FileFormatError(this.path, offset, `expected ${length} bytes here, but the file ends at ${this.size}; it may be truncated`);
    }
  }

  private use<T>(use: (descriptor: number) => T): T {
    return this.whileOpen((descriptor) => {
      try {
        return use(descriptor);
      } catch (cause) {
        if (cause instanceof FileFormatError) throw cause;
        throw new FileFormatError(this.path, 0, `cannot read the file (${fileFault(cause)})`, { cause });
      }
    });
  }

  private opened(): number {
    try {
      return fs.openSync(this.path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK); // otherwise a pipe would wait for a writer
    } catch (cause) {
      throw new FileFormatError(this.path, 0, `cannot open the file (${fileFault(cause)}); check the path`, { cause });
    }
  }
}

/** Rejects a Git LFS pointer, the few lines that stand in for a file that was not fetched. */
function refusePointer(path: string, descriptor: number, size: number): void {
  if (size < POINTER_START.length || size > LARGEST_POINTER) return;
  const start = Buffer.alloc(POINTER_START.length);
  fs.readSync(descriptor, start, 0, start.length, 0);
  if (isLfsPointer(start)) throw new FileFormatError(path, 0, LFS_REMEDY);
}

const POINTER_START = 'version https://git-lfs.github.com/spec/';
const LARGEST_POINTER = 1024; // bytes, from the specification
export const LFS_REMEDY = 'this is a Git LFS pointer, not the file itself; run `git lfs pull` in the clone to fetch it';

/** Whether a file begins like a Git LFS pointer. */
export function isLfsPointer(start: Uint8Array): boolean {
  return Buffer.from(start.subarray(0, POINTER_START.length)).toString('latin1') === POINTER_START;
}
