/** What the course's own figures need of this package and its users do not: no promise that it stays. */
export { METHOD_STYLES, type Method, type MethodStyle, methodOf } from './methods';
export { textWidth } from './textWidth';
export { DIVERGING, GRID, INK, SEQUENTIAL, SERIES_COLOURS, STRONG } from './theme';
