import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A running JupyterLab. */
export interface Lab {
  /** The page of one notebook, by its name without extension. */
  address(notebook: string): string;
  /** Where its notebooks are. */
  readonly notebooks: string;
  stop(): Promise<void>;
}

/** What a notebook may reach by `../`, of which nothing is copied. */
const BESIDE = ['README.md', 'CONTRIBUTING.md', 'LICENSE', 'data', 'docs', 'experiments', 'lib', 'tests'];
const START_SECONDS = 60;
const STOP_SECONDS = 20;

/**
 * Starts the JupyterLab of the checkout, as `make lab` does, over a copy of the notebooks in `folder`, which is emptied first. Its settings,
 * its layout and its runtime files lie there as well: those of the person who works in this checkout stay as they are.
 */
export async function startLab(folder: string): Promise<Lab> {
  fs.rmSync(folder, { recursive: true, force: true });
  const notebooks = path.join(folder, 'notebooks');
  fs.mkdirSync(notebooks, { recursive: true });
  for (const name of fs.readdirSync('notebooks').filter((each) => each.endsWith('.ipynb'))) {
    fs.copyFileSync(path.join('notebooks', name), path.join(notebooks, name));
  }
  fs.cpSync('notebooks/drawings', path.join(notebooks, 'drawings'), { recursive: true });
  for (const name of BESIDE) fs.symlinkSync(path.resolve(name), path.join(folder, name));

  const port = await freePort();
  const token = randomUUID();
  const server = spawnServer(folder, port, token);
  process.once('exit', () => server.kill('SIGTERM')); // for a run that is stopped in between
  let said = '';
  for (const stream of [server.stdout, server.stderr]) stream?.on('data', (text) => (said += text));
  const root = `http://127.0.0.1:${port}`;
  for (let tries = 0; !(await isAnswering(`${root}/api/status?token=${token}`)); tries++) {
    if (server.exitCode !== null || tries > START_SECONDS * 4) throw new Error(`JupyterLab does not start:\n${said.slice(-2000)}`);
    await sleep(250);
  }
  return {
    notebooks,
    address: (notebook) => `${root}/lab/tree/notebooks/${notebook}.ipynb?reset&token=${token}`,
    stop: () => stopServer(server),
  };
}

function spawnServer(folder: string, port: number, token: string): ChildProcess {
  const state = path.resolve(folder, '../state');
  fs.rmSync(state, { recursive: true, force: true });
  fs.mkdirSync(path.join(state, 'config/custom'), { recursive: true });
  fs.copyFileSync('lib/lowrank/setup/jupyter/labStyle.css', path.join(state, 'config/custom/custom.css'));
  const flags = [
    '--no-browser',
    '--custom-css',
    `--port=${port}`,
    '--ServerApp.port_retries=0',
    '--ip=127.0.0.1',
    '--LabApp.expose_app_in_browser=True',
  ];
  if (process.getuid?.() === 0) flags.push('--allow-root');
  return spawn(path.resolve('.venv/bin/python'), ['-m', 'jupyterlab', ...flags, `--notebook-dir=${path.resolve(folder)}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      JUPYTER_TOKEN: token,
      JUPYTER_CONFIG_DIR: path.join(state, 'config'),
      JUPYTER_DATA_DIR: path.join(state, 'data'),
      JUPYTER_RUNTIME_DIR: path.join(state, 'runtime'),
      JUPYTERLAB_SETTINGS_DIR: path.join(state, 'settings'),
      JUPYTERLAB_WORKSPACES_DIR: path.join(state, 'workspaces'),
    },
  });
}

/** Ends the server, which ends its kernels. */
async function stopServer(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGTERM');
  const isTooLong = await Promise.race([ended.then(() => false), sleep(STOP_SECONDS * 1000, true, { ref: false })]);
  if (isTooLong) server.kill('SIGKILL');
}

async function isAnswering(address: string): Promise<boolean> {
  return fetch(address).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
