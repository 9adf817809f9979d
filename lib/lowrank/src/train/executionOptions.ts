/** How the tensors of a run are computed. */

export interface ExecutionOptions {
  /**
   * Whether steps and evaluations run compiled. A loss that reads data, or that is to do something else at each call, needs `false`.
   *
   * @defaultValue true
   */
  readonly compile?: boolean;
  /**
   * What matrix products are computed in; adapters, norms, softmax, loss and optimizer stay float32. On a CPU without instructions for
   * bfloat16, where such products are the slower ones, 'bfloat16' is float32 too.
   *
   * @defaultValue 'float32'
   */
  readonly precision?: 'float32' | 'bfloat16';
}
