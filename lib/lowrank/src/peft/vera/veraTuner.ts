/** VeRA on a whole model. */
import type { Module } from '../../nn';
import { StateError } from '../../runtime';
import { checkAdapterMemory } from '../adapterMemory';
import { targetPaths } from '../config/targets';
import { LayerTuner, type Target, type UpdateStart } from '../layers/layerTuner';
import type { AdapterStart, AdapterTensor, ExpectedTensor } from '../tuner';
import type { VeraConfig } from './config';
import { drawProjections, type ProjectionSizes, type Projections } from './projections';
import { VeraLinear } from './veraLinear';
import { VeraUpdate } from './veraUpdate';

type VeraTarget = Target<VeraConfig, VeraLinear>;

/** PEFT's names of the projections: they belong to the adapter, and to no layer of the model. */
const [A, B] = ['base_model.vera_A', 'base_model.vera_B'];

/** Wraps the layers that a configuration names, and owns the projections that an adapter's layers share. */
export class VeraTuner extends LayerTuner<VeraConfig, VeraLinear> {
  protected readonly method = 'VeRA';
  readonly mixing = true;
  private readonly projections = new Map<string, Projections>();

  constructor(model: Module) {
    super(model, (module) => module instanceof VeraLinear);
  }

  override add(name: string, config: VeraConfig, start: AdapterStart): VeraConfig {
    const sizes = this.sizes(config);
    checkAdapterMemory(name, shapesOf(sizes)); // before they are drawn
    this.projections.set(name, drawProjections(sizes, config.projectionPrngKey));
    try {
      return super.add(name, config, start);
    } catch (error) {
      this.forget(name);
      throw error;
    }
  }

  override remove(name: string): void {
    super.remove(name);
    this.forget(name);
  }

  override tensors(name: string): Map<string, AdapterTensor> {
    const tensors = super.tensors(name);
    const projections = this.projections.get(name);
    if (!projections || !this.configs.get(name)?.saveProjection) return tensors;
    tensors.set(A, { variable: projections.a, layout: 'transposed' });
    return tensors.set(B, { variable: projections.b, layout: 'transposed' });
  }

  override expectedTensors(config: VeraConfig): Map<string, ExpectedTensor> {
    const expected = super.expectedTensors(config);
    return config.saveProjection ? new Map([...expected, ...shapesOf(this.sizes(config))]) : expected;
  }

  override dispose(): void {
    for (const name of [...this.projections.keys()]) this.forget(name);
  }

  protected targets(config: VeraConfig): VeraTarget[] {
    const modules = new Map(this.model.namedModules());
    return targetPaths(modules, config).map((path) => {
      const layer = this.layerAt(path, modules.get(path), (base) => new VeraLinear(base, this.state));
      return { path, layer, own: config };
    });
  }

  protected addUpdate({ layer, own }: VeraTarget, name: string, { seed }: UpdateStart): void {
    const projections = this.projections.get(name);
    if (!projections) throw new StateError(`the adapter '${name}' has no projections`);
    layer.putUpdate(name, VeraUpdate.create(layer.outFeatures, own, projections, seed));
  }

  protected expectedOf({ layer, own }: VeraTarget): Iterable<[string, ExpectedTensor]> {
    return [
      ['vera_lambda_b', { shape: [layer.outFeatures] }],
      ['vera_lambda_d', { shape: [own.r] }],
    ];
  }

  private sizes(config: VeraConfig): ProjectionSizes {
    const shapes = this.targets(config).map(({ layer }) => layer.weightShape);
    const widest = (axis: 0 | 1) => Math.max(...shapes.map((shape) => shape[axis]));
    return { r: config.r, inFeatures: widest(0), outFeatures: widest(1) };
  }

  private forget(name: string): void {
    const { a, b } = this.projections.get(name) ?? {};
    a?.dispose();
    b?.dispose();
    this.projections.delete(name);
  }
}

/** The projections as a file holds them. */
function shapesOf({ r, inFeatures, outFeatures }: ProjectionSizes): Map<string, ExpectedTensor> {
  return new Map([
    [A, { shape: [r, inFeatures] }],
    [B, { shape: [outFeatures, r] }],
  ]);
}
