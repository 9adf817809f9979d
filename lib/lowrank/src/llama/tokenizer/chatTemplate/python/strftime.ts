/** `strftime_now` of a chat template, in English on every machine, as in Python's locale `C`. */

const MONTHS = 'January February March April May June July August September October November December'.split(' ');
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

const padded = (value: number, width = 2) => String(value).padStart(width, '0');
const short = (name: string | undefined) => (name ?? '').slice(0, 3);

const FIELDS: Readonly<Record<string, (date: Date) => string>> = {
  '%': () => '%',
  A: (date) => DAYS[date.getDay()] ?? '',
  B: (date) => MONTHS[date.getMonth()] ?? '',
  H: (date) => padded(date.getHours()),
  I: (date) => padded(date.getHours() % 12 || 12),
  M: (date) => padded(date.getMinutes()),
  S: (date) => padded(date.getSeconds()),
  Y: (date) => String(date.getFullYear()),
  a: (date) => short(DAYS[date.getDay()]),
  b: (date) => short(MONTHS[date.getMonth()]),
  d: (date) => padded(date.getDate()),
  e: (date) => String(date.getDate()).padStart(2),
  j: (date) => padded(1 + Math.round((new Date(date).setHours(12, 0, 0, 0) - new Date(date.getFullYear(), 0, 1, 12).getTime()) / 864e5), 3),
  m: (date) => padded(date.getMonth() + 1),
  p: (date) => (date.getHours() < 12 ? 'AM' : 'PM'),
  y: (date) => padded(date.getFullYear() % 100),
};

/** The date in the given form. @throws Error for a field that is not known here. */
export function strftime(date: Date, form: string): string {
  return form.replace(/%(-?)(.?)/gs, (_, bare: string, letter: string) => {
    const field = FIELDS[letter];
    if (!field) throw new Error(`it writes the date with %${bare}${letter}; only %${Object.keys(FIELDS).join(' %')} are known`);
    return bare ? field(date).replace(/^[0 ]+(?=.)/, '') : field(date);
  });
}
