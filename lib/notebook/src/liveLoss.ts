import { randomUUID } from 'node:crypto';
import { checkKnown } from 'lowrank/internal';
import { displaySymbol } from './bundle';
import { type LossCurveOptions, lossCurve } from './charts';
import { displayBundle, isKernelAttached } from './kernel';

/** Drawing a curve takes a browser longer than a bar does. */
const REPAINT_MILLISECONDS = 1000;

/** A moment of a run; the shape that the training loop reports in. */
export interface LossState {
  readonly step: number;
  readonly loss: number;
}

/**
 * A loss curve that grows while a run goes on; hand it to `train` as `progress`, and await `shown()` after the run.
 *
 * While it grows it is drawn by JupyterLab alone. `shown()` adds the picture that a saved notebook needs.
 */
export class LiveLoss {
  private readonly id = randomUUID();
  private readonly points: LossState[] = [];
  private paintedAt = Number.NEGATIVE_INFINITY;
  private isPainted = false;

  constructor(
    private readonly label: string,
    private readonly options: LossCurveOptions,
  ) {
    checkKnown('LiveLoss', options, ['xTitle', 'yTitle', 'title', 'xScale', 'yScale', 'references']);
  }

  /** Takes in a step. */
  readonly update = ({ step, loss }: LossState): void => {
    this.points.push({ step, loss });
    if (!isKernelAttached() || performance.now() - this.paintedAt < REPAINT_MILLISECONDS) return;
    const { spec, sentence } = this.figure();
    this.paint({ 'application/vnd.vegalite.v5+json': spec, 'text/plain': sentence });
  };

  /** For the training loop, which calls it however the run ends. */
  readonly finish = (): void => {};

  /** Shows the whole curve for good. */
  async shown(): Promise<void> {
    if (this.points.length > 0) this.paint(await this.figure()[displaySymbol]());
  }

  private figure() {
    return lossCurve([{ label: this.label, points: this.points }], this.options);
  }

  private paint(bundle: Parameters<typeof displayBundle>[0]): void {
    this.paintedAt = performance.now();
    displayBundle(bundle, { id: this.id, isUpdate: this.isPainted });
    this.isPainted = true;
  }
}

/** Starts a loss curve that grows with the run. */
export function liveLoss(label = 'training', options: LossCurveOptions = {}): LiveLoss {
  return new LiveLoss(label, options);
}
