/** Files from outside: read by ranges that are checked before anything is allocated, and refused with a place and a reason. */
import fs from 'node:fs';
import { FormatError } from '../runtime';

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
        throw new FileFormatError(this.path, 0, `the file cannot be read (${reasonOf(cause)})`, { cause });
      }
    });
  }

  private opened(): number {
    try {
      return fs.openSync(this.path, 'r');
    } catch (cause) {
      throw new FileFormatError(this.path, 0, `the file cannot be opened (${reasonOf(cause)}); check the path`, { cause });
    }
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
}
