import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** Settings of a user that would change what comes out, were they read. */
const settings = {
  '.jupyter/jupyter_nbconvert_config.py': 'c.TemplateExporter.exclude_input = True\n',
  '.jupyter/jupyter_server_config.py': 'raise RuntimeError("a setting of the user is read")\n',
  '.ipython/profile_default/startup/00.py': 'raise RuntimeError("a setting of the user is read")\n',
  '.config/pip/pip.conf': '[install]\nuser = true\ntarget = /nowhere\n',
  '.npmrc': 'global=true\ndry-run=true\nomit=dev\n',
  'python/json.py': 'raise RuntimeError("a module of the user is imported")\n',
};

let home: string;
let own: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'home-'));
  mkdirSync('build', { recursive: true });
  own = mkdtempSync(resolve('build/hostile-')); // inside the checkout, where cells find their packages
  for (const [name, text] of Object.entries(settings)) {
    mkdirSync(dirname(join(home, name)), { recursive: true });
    writeFileSync(join(home, name), text);
  }
});
afterAll(() => {
  for (const folder of [home, own]) rmSync(folder, { recursive: true });
});

/** Runs shell commands as the Makefile runs its own, from that home. */
function make(recipe: string): string {
  const { stdout, stderr } = spawnSync('make', ['--silent', '--eval', `probe:\n\t@${recipe}`, 'probe'], {
    stdio: ['ignore', 'pipe', 'pipe'], // with a socket for its input, bash takes itself for a remote shell and reads /etc/bash.bashrc
    encoding: 'utf8',
    env: {
      ...process.env,
      HOME: home,
      TMPDIR: home,
      PYTHONPATH: join(home, 'python'),
      PYTHONSTARTUP: join(home, 'python/json.py'),
      NODE_OPTIONS: '--require /nowhere.js',
      MAKEFLAGS: '', // not those of the `make test` that runs this
      MAKELEVEL: '0',
    },
  });
  return stdout + stderr;
}
const filesOf = (folder: string) => readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());

test('a notebook is rendered with its code, whatever nbconvert, Python and Node are told at home, and nothing is left there', () => {
  const cell = { cell_type: 'code', id: 'a', metadata: {}, execution_count: null, outputs: [], source: "console.log('seen');" };
  const kernelspec = { name: 'tslab', display_name: 'TypeScript', language: 'typescript' };
  writeFileSync(join(own, 'one.ipynb'), JSON.stringify({ cells: [cell], metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 }));
  const said = make(
    `$(PY) -m nbconvert --to html --execute --ExecutePreprocessor.kernel_name=tslab --output-dir "${own}" "${own}/one.ipynb"`,
  );
  const html = readFileSync(join(own, 'one.html'), 'utf8');
  expect(said).not.toContain('of the user is');
  expect(html).toMatch(/console.*log.*seen/); // the cell
  expect(html).toMatch(/<pre>seen/); // its output
  expect(filesOf(home)).toHaveLength(Object.keys(settings).length);
});

test("npm and pip install into the checkout, whatever they are told at home; a registry of the user's is kept", () => {
  writeFileSync(join(home, '.npmrc'), `${settings['.npmrc']}registry=https://registry.example/\n`);
  const said = make('for key in global dry-run include registry cache; do $(NPM) config get $$key; done; $(PY) -m pip config debug');
  const [global, dryRun, include, registry, cache] = said.split('\n');
  expect({ global, dryRun, include, registry }).toEqual({
    global: 'false',
    dryRun: 'false',
    include: 'dev',
    registry: 'https://registry.example/',
  });
  expect(cache).toBe(resolve('.venv/state/npm'));
  expect(said).toContain('PIP_USER');
});

test("Jupyter reads its own environment's settings and kernels, and none of the machine's or the user's", () => {
  const { config, data, runtime } = JSON.parse(make('$(PY) -m jupyter --paths --json'));
  expect(config).toEqual([resolve('.venv/etc/jupyter'), resolve('.venv/state/jupyter/config')]);
  expect(data).toEqual([resolve('.venv/share/jupyter'), resolve('.venv/state/jupyter/data')]);
  expect(runtime).toEqual([resolve('.venv/state/jupyter/runtime')]);
});

test('what is run without make has the environment that make gives', () => {
  const print = (names: string) => `import json, os; print(json.dumps({name: os.environ.get(name) for name in ${names}.split()}))`;
  const names = `"PYTHONPATH JUPYTER_CONFIG_DIR JUPYTER_PATH NODE_OPTIONS IPYTHONDIR"`;
  const apply = 'import sys; sys.path.insert(0, "lib/lowrank/setup"); import own_environment; own_environment.apply()';
  const { stdout } = spawnSync('.venv/bin/python', ['-c', `${apply}; ${print(names)}`], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '-r x' },
  });
  expect(stdout).toBe(make(`$(PY) -c '${print(names)}'`));
});
