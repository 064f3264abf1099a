import { DISCOUNTED } from './discounted.ts';

/** The kinds of lines that a tax may be on. A minimum, a maximum and a credit are taxed as the service, a discount as what it lowers. */
export const TAXED = [...DISCOUNTED, 'charge', 'late_fee'] as const;
export type Taxed = (typeof TAXED)[number];
