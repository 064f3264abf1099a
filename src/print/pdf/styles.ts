import type { Style } from './text.ts';

/** How texts of a document are set, in points. */
export const BODY: Style = { size: 9 };
export const STRONG: Style = { size: 9, weight: 'bold' };
export const SMALL: Style = { size: 7.5, colour: '#59636e' };
export const LABEL: Style = { size: 7.5, weight: 'bold', colour: '#59636e' };

/** Rows between two pauses, some ten milliseconds' work: a long document must not keep the server from its other work. */
export const ROWS_AT_ONCE = 5;
