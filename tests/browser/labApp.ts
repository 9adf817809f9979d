/** The parts of JupyterLab's application object that the tests ask; the server puts it into the page with `expose_app_in_browser`. */
export interface LabApp {
  readonly shell: { readonly currentWidget: NotebookPanel | null };
  readonly commands: { execute(id: string, options?: object): Promise<unknown> };
}

interface NotebookPanel {
  readonly content: {
    readonly widgets: readonly LabCell[];
    readonly model: { readonly dirty: boolean; toJSON(): { readonly cells: readonly SavedCell[] } };
  };
  readonly context: { readonly isReady: boolean };
  readonly sessionContext: { readonly isReady: boolean; readonly session: { readonly kernel: { readonly status: string } | null } | null };
}

export interface LabCell {
  readonly node: HTMLElement;
  readonly inputHidden: boolean;
  readonly outputHidden?: boolean;
  readonly model: {
    readonly type: string;
    readonly executionCount?: number | null;
    readonly executionState?: string;
    getMetadata(name: string): unknown;
  };
}

/** A cell as the file has it. */
export interface SavedCell {
  readonly cell_type: string;
  readonly source: string | readonly string[];
  readonly metadata: { readonly tags?: readonly string[] };
  readonly outputs?: readonly SavedOutput[];
}

export interface SavedOutput {
  readonly output_type: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

declare global {
  interface Window {
    readonly jupyterapp?: LabApp;
  }
}
