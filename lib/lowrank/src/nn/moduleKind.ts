/** The kinds of layers, by their interface. */
export type ModuleKind = 'projection' | 'token table' | 'norm' | 'attention' | 'MLP' | 'decoder layer' | 'decoder';
