/** For the course's own figures. Not public: it may change at any time. */
export { tokenLabel } from './charts/attentionMap';
export { nominal, ordinal, quantity } from './charts/fields';
export { rounded } from './charts/series';
export { METHOD_STYLES, type Method, type MethodStyle, methodOf } from './methodStyles';
export { withMinus } from './minus';
export { textWidth } from './textWidth';
export { DIVERGING, GRID, INK, SEQUENTIAL, SERIES_COLOURS, STRONG } from './theme';
