/** Shows a cell's outputs below it, in the markup of the site's stored outputs. */
import type { Area, Bundle, WorkerMessage } from './messages.ts';

/** Draws a specification of Vega-Lite, with its sentence as the label: the site's own figures do the same. */
export type Draw = (place: HTMLElement, spec: unknown, sentence: string) => Promise<void>;

const VEGA = 'application/vnd.vegalite.v5+json';

export class Outputs {
  private readonly areas = new Map<string, HTMLElement>();
  private readonly numbers: readonly (Node | undefined)[];
  private figureCount = 0;
  private lines: HTMLElement | undefined;

  /** @param place - where the outputs of the notebook stand, whose figures keep their numbers */
  constructor(
    private readonly place: HTMLElement,
    private readonly draw: Draw,
  ) {
    const figures = [...place.querySelectorAll('figure')];
    this.numbers = figures.map((figure) => figure.querySelector('.caption-number')?.cloneNode(true));
  }

  clear(): void {
    this.place.replaceChildren();
    this.areas.clear();
    this.figureCount = 0;
    this.lines = undefined;
  }

  show(message: WorkerMessage): void {
    if (message.kind === 'text') this.text(message.text);
    if (message.kind === 'failed') this.failure(message.message);
    if (message.kind === 'files') this.files(message.files);
    if (message.kind === 'display') this.display(message.bundle, message.area);
  }

  failure(message: string): void {
    this.add('output stderr live-failure').append(element('pre', message));
    this.lines = undefined;
  }

  private text(text: string): void {
    if (!this.lines) {
      const block = this.add('output stream highlight-myst-ansi notranslate');
      const highlight = element('div');
      highlight.className = 'highlight';
      this.lines = element('pre');
      this.lines.tabIndex = 0;
      highlight.append(this.lines);
      block.append(highlight);
    }
    this.lines.append(text);
  }

  private display(bundle: Bundle, area?: Area): void {
    const known = area && this.areas.get(area.id);
    const block = known ?? this.add('output text_html');
    if (area) this.areas.set(area.id, block);
    if (!known) this.lines = undefined;
    const sentence = String(bundle['text/plain'] ?? '');
    if (bundle[VEGA]) this.figure(block, bundle[VEGA] as object, sentence);
    else if (bundle['text/html']) block.innerHTML = String(bundle['text/html']);
    else block.replaceChildren(element('pre', sentence));
  }

  private figure(block: HTMLElement, spec: object, sentence: string): void {
    const { $schema: _schema, usermeta: _usermeta, ...drawn } = spec as Record<string, unknown>;
    const figure = element('figure');
    figure.className = 'vega';
    const place = element('div');
    const caption = element('figcaption', sentence);
    const number = block.querySelector('.caption-number') ?? this.numbers[this.figureCount++];
    if (number) caption.prepend(number, ' ');
    figure.append(place, caption);
    block.replaceChildren(figure);
    block.dataset.spec = JSON.stringify(drawn);
    void this.draw(place, drawn, sentence).catch((error: unknown) => this.failure(String(error)));
  }

  private files(files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>): void {
    const list = element('ul');
    for (const [path, bytes] of files) {
      const link = element('a', path);
      link.href = URL.createObjectURL(new Blob([bytes]));
      link.download = path.slice(path.lastIndexOf('/') + 1);
      const item = element('li');
      item.append(link, ` (${bytes.length.toLocaleString('en')} bytes)`);
      list.append(item);
    }
    const block = this.add('output live-files');
    block.append(element('p', 'Written, and kept in this page until you save it:'), list);
    this.lines = undefined;
  }

  private add(className: string): HTMLElement {
    const block = element('div');
    block.className = className;
    this.place.append(block);
    return block;
  }
}

function element<Name extends keyof HTMLElementTagNameMap>(name: Name, text = ''): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
