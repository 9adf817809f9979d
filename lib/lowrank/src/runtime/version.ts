import { ownPackage } from './ownPackage';

export function version(): string {
  return ownPackage().version;
}
