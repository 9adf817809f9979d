import { sha256 } from '../../io/sha256';
import type { tf } from '../../runtime';

/** Of all bits of a tensor, of its type and of its shape. */
export function tensorChecksum(tensor: tf.Tensor): string {
  const { buffer, byteOffset, byteLength } = tensor.dataSync();
  return sha256(`${tensor.dtype} ${tensor.shape}`, new Uint8Array(buffer, byteOffset, byteLength)).slice(0, 32);
}
