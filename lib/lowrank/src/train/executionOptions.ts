/** The options for computing the tensors of a run. */

export interface ExecutionOptions {
  /**
   * Whether steps and evaluations are compiled. A loss that reads data, or does something else at each call, needs `false`.
   *
   * @defaultValue true
   */
  readonly compile?: boolean;
  /**
   * The precision of matrix products; adapters, norms, softmax, loss and optimizer stay float32. On a CPU without fast bfloat16 instructions,
   * where such products are slower, 'bfloat16' means float32 too.
   *
   * @defaultValue 'float32'
   */
  readonly precision?: 'float32' | 'bfloat16';
}
