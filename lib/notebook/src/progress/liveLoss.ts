/** A loss curve that is drawn again as training goes on. */
import { randomUUID } from 'node:crypto';
import { checkGiven, checkKnown } from 'lowrank/internal';
import { displaySymbol } from '../bundle';
import { LINE_PLOT_OPTIONS } from '../charts/lines/lineSeries';
import { type LossCurveOptions, lossCurve } from '../charts/lines/lossCurve';
import { displayBundle, isKernelAttached } from '../kernel';

/** A browser takes longer to draw a curve than a bar. */
const REPAINT_MILLISECONDS = 1000;

/** A moment of a run, as the training loop reports it. */
export interface LossState {
  readonly step: number;
  readonly loss: number;
}

/**
 * A loss curve that grows during a run. Pass it to `train` as `progress`, and await `shown()` after the run.
 *
 * While it grows, only JupyterLab draws it. `shown()` adds the picture for the saved notebook.
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
    checkKnown('LiveLoss', options, LINE_PLOT_OPTIONS);
    checkGiven('liveLoss(label, options)', { label, options }, { label: 'text', options: '{title?: text}' });
  }

  /** Adds a step. */
  readonly update = ({ step, loss }: LossState): void => {
    this.points.push({ step, loss });
    if (!isKernelAttached() || performance.now() - this.paintedAt < REPAINT_MILLISECONDS) return;
    const { spec, sentence } = this.figure();
    this.paint({ 'application/vnd.vegalite.v5+json': spec, 'text/plain': sentence });
  };

  /** Called by the training loop at the end of the run, even after an error. */
  readonly finish = (): void => {};

  /** Shows the final curve. */
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

/** Starts a loss curve that grows during the run. */
export function liveLoss(label = 'training', options: LossCurveOptions = {}): LiveLoss {
  return new LiveLoss(label, options);
}
