/** A small editor in the place of a cell's code. */
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { javascript } from '@codemirror/lang-javascript';
import { bracketMatching, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { EditorView, keymap } from '@codemirror/view';
import { classHighlighter } from '@lezer/highlight';

/** The editor of one cell. */
export interface Editor {
  text(): string;
  replace(text: string): void;
}

/** Tab leads on to the next control, as everywhere on the page; Shift-Enter and Ctrl-Enter run the cell. */
export function makeEditor(place: HTMLElement, source: string, run: () => void): Editor {
  const running = () => {
    run();
    return true;
  };
  const view = new EditorView({
    doc: source,
    parent: place,
    extensions: [
      keymap.of([
        { key: 'Shift-Enter', run: running },
        { key: 'Mod-Enter', run: running },
      ]),
      history(),
      keymap.of([...defaultKeymap, ...historyKeymap]),
      javascript({ typescript: true }),
      bracketMatching(),
      indentOnInput(),
      syntaxHighlighting(classHighlighter),
      EditorView.contentAttributes.of({ 'aria-label': 'Code of this cell' }),
    ],
  });
  return {
    text: () => view.state.doc.toString(),
    replace: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
  };
}
