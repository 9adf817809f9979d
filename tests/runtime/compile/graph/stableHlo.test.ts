import { compile, tf } from 'lowrank';
import { expect, test } from 'vitest';
import { callKernel, type KernelValue } from '../../../../lib/lowrank/src/runtime/compile/graph/stableHlo';
import { graphModules } from '../bindingSpies';

const kernel = { target: 'no_such_kernel', apiVersion: 2, config: '"text"' } as const;

/** The module of a call, which XLA then does not find the kernel for. */
function moduleOf(operand: KernelValue, results: KernelValue[], hidden: KernelValue[] = []): string {
  const shape = (operand.order ?? operand.shape.map((_, axis) => axis)).map((axis) => operand.shape[axis] ?? 0);
  const run = compile((x: tf.Tensor) => callKernel(kernel, [{ tensor: x, value: operand }], results, hidden), { xla: true });
  return graphModules(() => expect(() => run(tf.zeros(shape))).toThrow()).join();
}

test('a kernel sees the axes in its own order, and the memory is read as it lies', () => {
  const text = moduleOf(
    { type: 'float32', shape: [2, 3, 5, 7], order: [2, 0, 1, 3] },
    [{ type: 'float32', shape: [7, 2, 5], order: [1, 2, 0] }],
    [{ type: 'uint8', shape: [0] }],
  );
  expect(text).toContain('@main(%a0: tensor<5x2x3x7xf32>) -> (tensor<2x5x7xf32>)');
  expect(text).toContain('stablehlo.transpose %a0, dims = [1, 2, 0, 3] : (tensor<5x2x3x7xf32>) -> tensor<2x3x5x7xf32>');
  expect(text).toContain('operand_layouts = [dense<[3, 1, 0, 2]> : tensor<4xindex>]');
  expect(text).toContain('result_layouts = [dense<[0, 2, 1]> : tensor<3xindex>, dense<[0]> : tensor<1xindex>]');
  expect(text).toContain(': (tensor<2x3x5x7xf32>) -> (tensor<7x2x5xf32>, tensor<0xui8>)');
  expect(text).toContain('stablehlo.transpose %r#0, dims = [1, 2, 0] : (tensor<7x2x5xf32>) -> tensor<2x5x7xf32>');
});

test('without an order the axes lie as they are', () => {
  const text = moduleOf({ type: 'float32', shape: [4, 6] }, [{ type: 'float32', shape: [4] }]);
  expect(text).toContain('stablehlo.transpose %a0, dims = [0, 1] : (tensor<4x6xf32>) -> tensor<4x6xf32>');
  expect(text).toContain('operand_layouts = [dense<[1, 0]> : tensor<2xindex>], result_layouts = [dense<[0]> : tensor<1xindex>]');
});
