import { ArgumentError } from 'lowrank/errors';
import { checkKnown } from 'lowrank/internal';
import type { Figure } from 'lowrank-notebook';
import { INK, nominal, quantity } from 'lowrank-notebook/internal';
import { coloursOf, movingFigure, short, slider } from './moving';

/** The storage of a method. */
export interface TaskCost {
  readonly label: string;
  /** GB that all tasks share: the base model, or 0. */
  readonly base: number;
  /** GB that each task adds. */
  readonly each: number;
}

export interface TaskStorageOptions {
  /** @defaultValue 50 */
  readonly maxTasks?: number;
  /** The initial number of tasks. @defaultValue 10 */
  readonly tasks?: number;
  /** @defaultValue `Copies of the model, or one model and adapters` */
  readonly title?: string;
}

/** Disk space of one copy of the model per task, and of one model with adapters, with a slider for the number of tasks. */
export function taskStorage(costs: readonly TaskCost[], options: TaskStorageOptions = {}): Figure {
  checkKnown('taskStorage', options, ['maxTasks', 'tasks', 'title']);
  const { maxTasks = 50, tasks = 10, title = 'Copies of the model, or one model and adapters' } = options;
  if (costs.length === 0) throw new ArgumentError('taskStorage has no methods; pass at least one');
  if (!Number.isInteger(tasks) || tasks < 1 || tasks > maxTasks) throw new ArgumentError(`tasks ${tasks} is not in 1…${maxTasks}`);
  const names = costs.map(({ label }) => label);
  const values = costs.map(({ label, base, each }) => ({ label, base: short(base, 6), each: short(each, 6) }));
  const size = "(datum.GB < 0.1 ? format(1000 * datum.GB, '.3~r') + ' MB' : format(datum.GB, ',.4~r') + ' GB')";
  const color = { field: 'label', type: 'nominal', scale: { domain: names, range: coloursOf(names) }, legend: null };
  const tooltip = [nominal('label', 'method'), quantity('n', 'tasks'), nominal('words', 'on disk')];
  const most = Math.max(...costs.map(({ base, each }) => base + maxTasks * each));
  const now = {
    data: { values },
    transform: [
      { calculate: 'datum.base + tasks * datum.each', as: 'GB' },
      { calculate: 'tasks', as: 'n' },
      { calculate: size, as: 'words' },
    ],
  };
  const bars = {
    width: 260,
    height: { step: 40 },
    ...now,
    encoding: {
      y: { field: 'label', type: 'nominal', sort: names, title: null, axis: { ticks: false, domain: false, labelPadding: 8 } },
    },
    layer: [
      {
        mark: { type: 'bar', height: { band: 0.6 } },
        encoding: {
          x: {
            field: 'GB',
            type: 'quantitative',
            title: 'storage (GB)',
            scale: { domain: [0, short(most)], nice: false },
            axis: { tickCount: 5 },
          },
          color,
          tooltip,
        },
      },
      {
        mark: { type: 'text', align: 'left', dx: 8, color: INK },
        encoding: { x: { value: 'width' }, text: nominal('words') },
      },
    ],
  };
  const counts = [...new Set(Array.from({ length: 26 }, (_, index) => Math.max(1, Math.round((maxTasks * index) / 25))))];
  const points = counts.flatMap((n) => costs.map(({ label, base, each }) => ({ n, label, GB: short(base + n * each) })));
  const x = { field: 'n', type: 'quantitative', title: 'tasks', scale: { domain: [0, maxTasks] }, axis: { grid: false, tickCount: 6 } };
  const y = { field: 'GB', type: 'quantitative', title: 'storage (GB)', axis: { tickCount: 5 } };
  const lines = {
    width: 230,
    height: 180,
    layer: [
      { data: { values: points }, mark: { type: 'line', strokeWidth: 2 }, encoding: { x, y, color } },
      {
        ...now,
        layer: [
          { mark: { type: 'rule', strokeDash: [4, 4], color: INK }, encoding: { x } },
          { mark: { type: 'point', filled: true, opacity: 1, size: 100 }, encoding: { x, y, color, tooltip } },
        ],
      },
    ],
  };
  const told = costs.map(({ label, base, each }) => `${label} ${short(base + tasks * each)} GB`);
  return movingFigure(
    [slider('tasks', 'tasks', [1, maxTasks, 1], tasks)],
    { title, hconcat: [bars, lines], spacing: 80 },
    `${title}, with a slider for the number of tasks. With ${tasks}: ${told.join('; ')}.`,
  );
}
