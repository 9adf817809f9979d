/** What summing the gradients of an adapter costs on many machines, as a formula. */

/** A LLaMA whose q_proj and v_proj have LoRA. */
export interface Shape {
  readonly name: string;
  readonly layers: number;
  readonly width: number;
  /** Of v_proj's output. */
  readonly keyValueWidth: number;
  readonly parameters: number;
}

export const SHAPES = [
  { name: 'LLaMA-7B', layers: 32, width: 4096, keyValueWidth: 4096, parameters: 6.738e9 },
  { name: 'LLaMA-2-70B', layers: 80, width: 8192, keyValueWidth: 1024, parameters: 68.977e9 },
] as const satisfies readonly Shape[];

export const RANK = 16;
export const WORKERS = [8, 16, 32, 64, 128, 256, 512, 1024] as const;
export const GIGABITS = [10, 100, 400] as const;

/** Bytes of the float32 gradients: r·(in + out) numbers for each of the two matrices of a layer. */
export function gradientBytes({ layers, width, keyValueWidth }: Shape, rank = RANK): number {
  return 4 * layers * rank * (2 * width + (width + keyValueWidth));
}

/** A network, and how many workers share it. */
export interface Network {
  readonly workers: number;
  readonly gigabits: number;
  /** From a worker to the next, beside what the bytes take, in seconds. */
  readonly hop: number;
}

/**
 * Seconds of a sum around a ring of N workers: each sends 2·(N − 1)/N of the bytes, in 2·(N − 1) steps one after another (Patarasuk and Yuan 2009,
 * "Bandwidth optimal all-reduce algorithms for clusters of workstations").
 */
export function ringSeconds(bytes: number, { workers, gigabits, hop }: Network): number {
  const bandwidth = (gigabits * 1e9) / 8;
  return ((2 * (workers - 1)) / workers) * (bytes / bandwidth) + 2 * (workers - 1) * hop;
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
