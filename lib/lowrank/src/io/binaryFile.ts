/** Files from outside: read by ranges that are checked before anything is allocated, and refused with a place and a reason. */
import fs from 'node:fs';
import { FormatError } from '../runtime';
import { fileFault } from './pathKind';

/** A file is malformed: `file` is its path, `offset` the byte where it went wrong, `reason` what is wrong there. */
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

/** The bytes of one call of read(2) on Linux; larger ranges take several. */
const LARGEST_READ = 2 ** 30;

/** A file on disk. It is opened for each read, or for several with {@link BinaryFile.whileOpen}, so that there is nothing to close. */
export class BinaryFile {
  readonly size: number;
  private descriptor: number | undefined;

  /** @throws FormatError when there is no readable file at `path`. */
  constructor(readonly path: string) {
    this.size = this.use((descriptor) => {
      const status = fs.fstatSync(descriptor);
      if (!status.isFile()) throw new FileFormatError(path, 0, 'this is not a regular file');
      refusePointer(path, descriptor, status.size);
      return status.size;
    });
  }

  /**
   * The bytes from `offset` on, in a buffer of their own that starts at an aligned address.
   *
   * @throws FileFormatError when the file is shorter, before the buffer is allocated.
   */
  read(offset: number, length: number): Uint8Array {
    this.checkRange(offset, length);
    return this.readInto(new Uint8Array(length), offset);
  }

  /**
   * Fills `bytes` from `offset` on, and gives it back.
   *
   * @throws FileFormatError when the file is shorter.
   */
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

  /** Runs `work`, whose reads open the file only once. */
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
      throw new FileFormatError(
        this.path,
        offset,
        `${length} bytes are expected here, but the file ends at ${this.size}; it may be cut off`,
      );
    }
  }

  private use<T>(use: (descriptor: number) => T): T {
    return this.whileOpen((descriptor) => {
      try {
        return use(descriptor);
      } catch (cause) {
        if (cause instanceof FileFormatError) throw cause;
        throw new FileFormatError(this.path, 0, `the file cannot be read (${fileFault(cause)})`, { cause });
      }
    });
  }

  private opened(): number {
    try {
      return fs.openSync(this.path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK); // a pipe would wait for a writer
    } catch (cause) {
      throw new FileFormatError(this.path, 0, `the file cannot be opened (${fileFault(cause)}); check the path`, { cause });
    }
  }
}

/** Git LFS leaves a few lines in place of a file that it has not fetched. */
function refusePointer(path: string, descriptor: number, size: number): void {
  if (size < POINTER_START.length || size > LARGEST_POINTER) return;
  const start = Buffer.alloc(POINTER_START.length);
  fs.readSync(descriptor, start, 0, start.length, 0);
  if (isLfsPointer(start)) throw new FileFormatError(path, 0, LFS_REMEDY);
}

const POINTER_START = 'version https://git-lfs.github.com/spec/';
const LARGEST_POINTER = 1024; // bytes, by its specification
export const LFS_REMEDY = 'this is a Git LFS pointer, not the file itself; run `git lfs pull` in the clone to fetch it';

/** Whether a file begins as Git LFS's pointers do. */
export function isLfsPointer(start: Uint8Array): boolean {
  return Buffer.from(start.subarray(0, POINTER_START.length)).toString('latin1') === POINTER_START;
}
