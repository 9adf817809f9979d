/** The results of cells on disk. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { FormatError } from 'lowrank';
import { makeFolder, pathKind, readJsonFile, sha256, storingIn, writeTextAtomic } from 'lowrank/internal';
import type { CellPlan } from './cellPlan';

/** In bytes; a cell contains the answers to a few hundred examples. */
const LARGEST_CELL = 2 ** 28;

const LISTS = ['answers', 'losses', 'code', 'english'] as const;

/** A folder for each cell. Its name is a hash of the cell's plan and of what all cells share. */
export class CellStore {
  /** Finished cells never change. */
  private readonly known = new Map<CellPlan, object>();

  constructor(
    private readonly root: string,
    private readonly shared: object,
  ) {}

  /** The folder of a cell. */
  folder(plan: CellPlan): string {
    const { method, ...rest } = { method: undefined, ...plan };
    const { name, adapter } = method ?? {};
    const key = JSON.stringify({ ...this.shared, ...rest, method: { name, adapter } });
    return nodePath.join(this.root, sha256(key).slice(0, 16));
  }

  has(plan: CellPlan): boolean {
    return this.get(plan) !== undefined;
  }

  /** The stored result. @throws FormatError when another version wrote it. */
  get<T extends object>(plan: CellPlan): T | undefined {
    const path = nodePath.join(this.folder(plan), 'cell.json');
    if (!this.known.has(plan) && pathKind(path) !== undefined) this.known.set(plan, readCell(path, plan));
    return this.known.get(plan) as T | undefined;
  }

  /** Stores the result, and removes the training run that led to it. @throws StorageError when the disk refuses. */
  keep(plan: CellPlan, result: object): void {
    const folder = this.folder(plan);
    storingIn(folder, 'results', () => {
      makeFolder(folder);
      writeTextAtomic(nodePath.join(folder, 'cell.json'), JSON.stringify(result));
      fs.rmSync(nodePath.join(folder, 'training'), { recursive: true, force: true });
    });
  }
}

function readCell(path: string, { kind }: CellPlan): object {
  const cell = readJsonFile(path, { largest: LARGEST_CELL, mostEntries: Number.POSITIVE_INFINITY });
  const isLoss = cell.loss === null || typeof cell.loss === 'number';
  const lacking = kind === 'trial' ? (isLoss ? undefined : 'loss') : LISTS.find((name) => !Array.isArray(cell[name]));
  if (lacking !== undefined)
    throw new FormatError(`${path}: ${lacking} is not what this version writes; remove the file to run the cell again`);
  return cell;
}
