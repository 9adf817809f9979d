/** What V8 made of the modules, kept for the next process. */
import module from 'node:module';
import nodePath from 'node:path';

/**
 * Keeps the code that V8 compiles from here on, that of tfjs above all, as Node's compile cache: the next process that has it is ready half
 * a second sooner. It lies in the user's own cache, not in the temporary folder that Node would take, where others could leave code for it.
 * Where that cannot be written, or Node was told of another folder or of none (`NODE_COMPILE_CACHE`, `NODE_DISABLE_COMPILE_CACHE`), it
 * stays as it is.
 */
export function keepCompiledCode(): void {
  const { XDG_CACHE_HOME: cache = '', HOME: home = '' } = process.env;
  const folders = [cache, home && nodePath.join(home, '.cache')];
  const folder = folders.find((one) => nodePath.isAbsolute(one));
  if (folder) module.enableCompileCache(nodePath.join(folder, 'lowrank', 'compiled'));
}
