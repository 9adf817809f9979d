/**
 * Unpacks the Chromium of npm's @sparticuz/chromium, and the libraries that a machine without a desktop lacks.
 *
 * Usage: TMPDIR=FOLDER node unpack.mjs PACKAGES, where PACKAGES holds the packages of package.json; the package unpacks into the folder of
 * temporary files.
 */
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';

const of = path.resolve(process.argv[2], 'node_modules/@sparticuz/chromium');
const { inflate } = await import(pathToFileURL(path.join(of, 'build/index.js')).href);
for (const name of ['chromium.br', 'swiftshader.tar.br', 'al2023.tar.br']) await inflate(path.join(of, 'bin', name));
