/** In place of `../pictures`: a page draws its figures itself. */
import type { MimeBundle } from '../bundle';

export async function pictures(): Promise<MimeBundle> {
  return {};
}
