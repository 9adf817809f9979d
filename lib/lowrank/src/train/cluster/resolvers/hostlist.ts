/** Slurm's short form of many host names. */
import { ArgumentError } from '../../../runtime';

/** More hosts than a job has; a wrong range would fill the memory. */
const MOST_HOSTS = 65_536;

/**
 * The hosts of a list such as `gpu[01-03,7],login-[1-2]-ib,head`, in its order.
 *
 * @throws ArgumentError when a bracket does not close, or a range runs backwards or is too long.
 */
export function expandHostlist(list: string): string[] {
  const hosts = parts(list).flatMap(expand);
  if (hosts.length === 0 || hosts.length > MOST_HOSTS) throw wrong(list, `it stands for ${hosts.length} hosts`);
  return hosts;
}

/** Cut at the commas outside of brackets. */
function parts(list: string): string[] {
  const found = list.match(/(?:[^,[\]]|\[[^[\]]*\])+/g) ?? [];
  if (found.join(',') !== list) throw wrong(list, 'its brackets or commas do not fit');
  return found;
}

function expand(part: string): string[] {
  const [, before = '', ranges, after = ''] = /^([^[]*)\[([^\]]*)\](.*)$/.exec(part) ?? [];
  if (ranges === undefined) return [part];
  const middles = ranges.split(',').flatMap((range) => numbers(range, part));
  const ends = expand(after);
  if (middles.length * ends.length > MOST_HOSTS) throw wrong(part, 'it stands for too many hosts');
  return middles.flatMap((middle) => ends.map((end) => `${before}${middle}${end}`));
}

/** `08-10` is 08, 09, 10. */
function numbers(range: string, part: string): string[] {
  const [, first = '', last = first] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (first === '' || to < from || to - from >= MOST_HOSTS) throw wrong(part, `'${range}' is no range`);
  return Array.from({ length: to - from + 1 }, (_, index) => String(from + index).padStart(first.length, '0'));
}

function wrong(list: string, reason: string): ArgumentError {
  return new ArgumentError(`'${list}' is not a list of hosts as Slurm writes it: ${reason}`);
}
