/** This package's own version, and the versions of Node that it takes. */
import fs from 'node:fs';
import nodePath from 'node:path';

/** As much of this package's own package.json as is read at run time. */
interface OwnPackage {
  readonly version: string;
  readonly engines: { readonly node: string };
}

export function ownPackage(): OwnPackage {
  return JSON.parse(fs.readFileSync(nodePath.join(__dirname, '../../package.json'), 'utf8')) as OwnPackage;
}
