/** What a layer is to those that call it. */
export type ModuleKind = 'projection' | 'token table' | 'norm' | 'attention' | 'MLP' | 'decoder layer';
