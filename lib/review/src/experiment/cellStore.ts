/** The results of cells on disk. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { FormatError } from 'lowrank';
import { sha256, storingIn } from 'lowrank/internal';
import { readSealed, writeSealed } from '../sealedFile';
import type { CellPlan, RunPlan } from './cellPlan';

const CELL = 'cell.json';
/** In a cell's folder while it trains. */
export const TIMES = 'seconds.json';

/** A folder for each cell. Its name is a hash of the cell's plan and of what all cells share. */
export class CellStore {
  /** Finished cells never change. */
  private readonly known = new Map<CellPlan, object>();

  constructor(
    private readonly root: string,
    private readonly shared: object,
    /** The rate that a run has, or will have. */
    private readonly rateOf: (plan: RunPlan) => number | undefined,
  ) {}

  folder(plan: CellPlan): string {
    const { method, ...rest } = { method: undefined, ...plan };
    const { name, adapter } = method ?? {};
    const chosen = plan.kind === 'run' && { learningRate: this.rateOf(plan) };
    const key = JSON.stringify({ ...this.shared, ...rest, ...chosen, method: { name, adapter } });
    return nodePath.join(this.root, sha256(key).slice(0, 16));
  }

  has(plan: CellPlan): boolean {
    return this.get(plan) !== undefined;
  }

  /** The stored result. @throws FormatError when it is damaged, of another cell, or written by another version. */
  get<T extends object>(plan: CellPlan): T | undefined {
    const folder = this.folder(plan);
    const stored = this.known.get(plan) ?? readCell(folder);
    if (stored) this.known.set(plan, stored);
    return stored as T | undefined;
  }

  /** Stores the result, and removes the training run that led to it. @throws StorageError when the disk refuses. */
  keep(plan: CellPlan, result: object): void {
    const folder = this.folder(plan);
    writeSealed(nodePath.join(folder, CELL), 'results', { ...result, cell: nodePath.basename(folder) });
    storingIn(folder, 'results', () => {
      for (const name of ['training', TIMES]) fs.rmSync(nodePath.join(folder, name), { recursive: true, force: true });
    });
  }
}

function readCell(folder: string): object | undefined {
  const path = nodePath.join(folder, CELL);
  const remedy = 'remove the file to run the cell again';
  const { cell, ...result } = readSealed(path, remedy) ?? {};
  if (cell === undefined) return undefined;
  if (cell === nodePath.basename(folder)) return result;
  throw new FormatError(`${path} is the result of another cell, ${String(cell)}; ${remedy}`);
}
