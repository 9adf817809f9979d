/** Renders a chat template within bounds of output and memory, because its file decides how much it writes. */
import { boundedInterpreter } from './boundedInterpreter';
import type { Jinja } from './jinja';
import { strftime } from './strftime';
import { ENTRY } from './valueSizes';

export interface BoundedTemplate {
  /** @throws ArgumentError when a text in it becomes too long; Error where the template refuses what it is given. */
  render(given: Readonly<Record<string, unknown>>): string;
}

/** @throws SyntaxError when the source is no Jinja. */
export function boundedTemplate(jinja: Jinja, source: string): BoundedTemplate {
  const { parsed } = new jinja.Template(source.replace(/\r\n?/g, '\n')); // as Jinja reads lines
  const BoundedInterpreter = boundedInterpreter(jinja);
  return {
    render: (given) => {
      const environment = new jinja.Environment();
      const interpreter = new BoundedInterpreter(environment);
      const all = { ...globals((size) => interpreter.reserve(size)), ...given };
      for (const [name, value] of Object.entries(all)) environment.set(name, value);
      interpreter.allow(Object.keys(given).map((name) => environment.lookupVariable(name)));
      return String(interpreter.run(parsed).value);
    },
  };
}

/** What every template finds, as `Template.render` has it. */
function globals(reserve: (size: number) => void): Record<string, unknown> {
  return {
    ...{ true: true, false: false, none: null, True: true, False: false, None: null },
    raise_exception: (message: string) => {
      throw new Error(message);
    },
    range: (first: number, second?: number, step = 1) => {
      const [start, stop] = second === undefined ? [0, first] : [first, second];
      const length = Math.max(0, Math.ceil((stop - start) / step));
      if (![start, stop, step].every(Number.isInteger) || !Number.isFinite(length))
        throw new Error(`range(${start}, ${stop}, ${step}) is no range of whole numbers`);
      reserve(ENTRY * length);
      return Array.from({ length }, (_, i) => start + i * step);
    },
    strftime_now: (form: string) => strftime(new Date(), form),
  };
}
