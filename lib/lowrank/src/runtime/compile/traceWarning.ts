/** Warns when a function is compiled again and again, and names the cause. */

import { warn } from '../messages/warn';
import type { CompileOptions } from './compileOptions';
import { keyDifference } from './keyDifference';
import { isParameterTree } from './signature';

/** The number of traces that causes a warning. */
const WARNS_AT = 8;

/** The number of traces of a function for one model. */
interface Count {
  readonly forms: Set<string>;
  last: string;
}

export class TraceWarning {
  private readonly counts = new WeakMap<object, Count>();

  constructor(
    private readonly name: string,
    private readonly variesIn: CompileOptions['variesIn'],
  ) {}

  /** Counts a trace; each model has its own count, because each needs one trace. */
  count(args: readonly unknown[], form: string): void {
    if (this.variesIn === 'anything') return;
    const subject = args.find(isParameterTree) ?? this;
    const count = this.counts.get(subject) ?? { forms: new Set<string>(), last: form };
    this.counts.set(subject, count);
    const before = count.forms.size;
    if (before < WARNS_AT) count.forms.add(this.variesIn === 'shapes' ? form.replace(SHAPE, '') : form);
    if (before < WARNS_AT && count.forms.size === WARNS_AT) warn(this.text(count.last, form));
    count.last = form;
  }

  private text(last: string, form: string): string {
    const ignored = this.variesIn === 'shapes' ? SHAPE : /$^/g;
    const { place, before, now, isShape } = keyDifference(last.replace(ignored, ''), form.replace(ignored, ''));
    const remedy = isShape
      ? 'pad the tensors to a few shapes'
      : "give a number that changes as a tensor; make a field that decides nothing private ('#name'), or leave it out in compiledFields()";
    return `compile: '${this.name}' has been traced ${WARNS_AT} times; this time ${place} is ${now}, before it was ${before}: ${remedy}`;
  }
}

const SHAPE = /(?<=[a-z]\w*)\[[\d,]*\]/g;
