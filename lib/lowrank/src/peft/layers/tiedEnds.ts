/** Parts an embedding and an output layer that share one table when adapters change one of them. */
import { type Module, TiedHead } from '../../nn';

export const UNTIED =
  'the embedding and the output layer no longer share one table: each has its own from here on, and tieWordEmbeddings is false';

/** Whether the output layer of this model, also inside an adapter, still uses the embedding's table. */
export function hasTiedHead(model: Module): boolean {
  return tiedHeads(model).length > 0;
}

/** Replaces each output layer that was parted from the embedding by its copy, for good. */
export function settleTiedHeads(model: Module): void {
  for (const [path, head] of tiedHeads(model)) {
    const own = head.release();
    if (own) model.replaceModule(path, own);
  }
}

/** The path of an output layer, without the part inside an adapter's wrapper. */
export function pathOfHead(model: Module, head: TiedHead): string | undefined {
  const path = tiedHeads(model).find(([, module]) => module === head)?.[0];
  return path?.replace(/\.(base_layer|original_module)$/, '');
}

function tiedHeads(model: Module): [string, TiedHead][] {
  return [...model.namedModules()].flatMap(([path, module]) => (module instanceof TiedHead ? [[path, module] as [string, TiedHead]] : []));
}
