/** Fields of the data, as an encoding or a tooltip of Vega-Lite names them. */

/** A field of names. */
export const nominal = (field: string, title?: string | null) => fieldOf(field, 'nominal', title);

/** A field of names or numbers in an order. */
export const ordinal = (field: string, title?: string | null) => fieldOf(field, 'ordinal', title);

/** A field of quantities, with the format of its numbers. */
export const quantity = (field: string, title?: string, format?: string) => ({
  ...fieldOf(field, 'quantitative', title),
  ...(format === undefined ? {} : { format }),
});

function fieldOf(field: string, type: string, title: string | null | undefined) {
  return { field, type, ...(title === undefined ? {} : { title }) };
}
