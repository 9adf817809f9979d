/** A value of the Jinja library. */
export interface Value {
  readonly type: string;
  readonly value: unknown;
}
