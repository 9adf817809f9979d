import { sha256 } from '../../io/sha256';
import type { tf } from '../../runtime';

/** A checksum of a tensor's type, its shape, and all its bits. */
export function tensorChecksum(tensor: tf.Tensor): string {
  const { buffer, byteOffset, byteLength } = tensor.dataSync();
  return sha256(`${tensor.dtype} ${tensor.shape}`, new Uint8Array(buffer, byteOffset, byteLength)).slice(0, 32);
}
