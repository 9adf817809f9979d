import { ownPackage } from './ownPackage';

/** The version of this library. */
export function version(): string {
  return ownPackage().version;
}
