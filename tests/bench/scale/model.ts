/** What summing the gradients of an adapter costs on many machines, as a formula. */

/** A LLaMA with LoRA. */
export interface Shape {
  readonly name: string;
  readonly layers: number;
  /** (in, out) of each matrix of a layer that has LoRA. */
  readonly targets: readonly (readonly [number, number])[];
  readonly parameters: number;
}

/** q_proj and v_proj. */
const queryAndValue = (width: number, keyValueWidth: number) => [[width, width] as const, [width, keyValueWidth] as const];

export const SHAPES = [
  { name: 'LLaMA-7B', layers: 32, targets: queryAndValue(4096, 4096), parameters: 6.738e9 },
  { name: 'LLaMA-2-70B', layers: 80, targets: queryAndValue(8192, 1024), parameters: 68.977e9 },
] as const satisfies readonly Shape[];

export const RANK = 16;
export const WORKERS = [8, 16, 32, 64, 128, 256, 512, 1024] as const;
export const GIGABITS = [10, 100, 400] as const;

/** Bytes of the float32 gradients: r·(in + out) numbers for each matrix with LoRA. */
export function gradientBytes({ layers, targets }: Pick<Shape, 'layers' | 'targets'>, rank = RANK): number {
  return 4 * layers * rank * targets.reduce((sum, [into, out]) => sum + into + out, 0);
}

/** A network, and how many workers share it. */
export interface Network {
  readonly workers: number;
  readonly gigabits: number;
  /** From a worker to the next, beside what the bytes take, in seconds. */
  readonly hop: number;
}

/** Seconds until each of N workers has all bytes, of which each held 1/N: it sends (N − 1)/N of them, in N − 1 steps one after another. */
export function gatherSeconds(bytes: number, { workers, gigabits, hop }: Network): number {
  const bandwidth = (gigabits * 1e9) / 8;
  return ((workers - 1) / workers) * (bytes / bandwidth) + (workers - 1) * hop;
}

/**
 * Seconds of a sum around a ring: the parts are summed, then gathered, and both take the same time (Patarasuk and Yuan 2009, "Bandwidth optimal
 * all-reduce algorithms for clusters of workstations").
 */
export function ringSeconds(bytes: number, network: Network): number {
  return 2 * gatherSeconds(bytes, network);
}

/** A shape on a network. */
export interface Point extends Network {
  readonly shape: string;
  readonly bytes: number;
  readonly stepSeconds: number;
  readonly sumSeconds: number;
  /** Of an update. */
  readonly share: number;
}

export function costs(stepSeconds: (shape: Shape) => number, hop: number): Point[] {
  return SHAPES.flatMap((shape) =>
    GIGABITS.flatMap((gigabits) =>
      WORKERS.map((workers) => {
        const bytes = gradientBytes(shape);
        const step = stepSeconds(shape);
        const sum = ringSeconds(bytes, { workers, gigabits, hop });
        return { shape: shape.name, gigabits, workers, hop, bytes, stepSeconds: step, sumSeconds: sum, share: sum / (step + sum) };
      }),
    ),
  );
}

/** How far a shape scales on a network. */
export interface Limit extends Pick<Point, 'shape' | 'gigabits' | 'hop'> {
  /** The most workers of those computed at which the sum takes at most a tenth of an update; 0 where it always takes more. */
  readonly workers: number;
}

export function limits(points: readonly Point[]): Limit[] {
  const groups = new Map<string, Point[]>();
  for (const point of points) {
    const key = `${point.shape} ${point.gigabits} ${point.hop}`;
    groups.set(key, [...(groups.get(key) ?? []), point]);
  }
  return Array.from(groups.values(), (group) => {
    const { shape, gigabits, hop } = group[0] as Point;
    return { shape, gigabits, hop, workers: Math.max(0, ...group.filter(({ share }) => share <= 0.1).map(({ workers }) => workers)) };
  });
}
