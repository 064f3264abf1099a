/** The last unit that a tier prices; null: it is the last tier. */
export interface TierAbout {
  /** The last unit of the tier before; null: it is the first. */
  readonly after: string | null;
  readonly upTo: string | null;
  readonly unit: string;
}

/** What a price list says. */
export interface PriceWords {
  readonly title: string;
  readonly inForce: string;
  readonly asOf: string;
  readonly item: string;
  readonly price: string;
  readonly none: string;
  readonly free: string;
  readonly service: string;
  /** Of the traffic of a class by its name; null: of the plan at large. */
  readonly traffic: (name: string | null, counted: string) => string;
  readonly counting: Readonly<Record<'sum' | 'in' | 'out' | 'max', string>>;
  readonly percentile: (name: string | null) => string;
  readonly included: (amount: string) => string;
  /** Each unit at the price of its tier. */
  readonly tier: (tier: TierAbout) => string;
  /** All units at the price of the tier that the last one is in. */
  readonly volume: (tier: TierAbout) => string;
  readonly startedUnits: string;
  readonly perUnit: (price: string, unit: string) => string;
  readonly interfaces: (patterns: readonly string[]) => string;
  readonly minimum: string;
  readonly maximum: string;
  readonly flat: string;
  readonly setup: string;
  readonly handling: string;
  readonly perPeriod: (price: string) => string;
  readonly once: (price: string) => string;
  readonly fees: (title: string) => string;
  readonly each: (price: string) => string;
  readonly lateFee: string;
  readonly percentPerDay: (percent: string) => string;
  readonly termsOf: (title: string) => string;
  /** How parts of a month are charged, and what of tax. */
  readonly remarks: readonly string[];
  readonly remarksHead: string;
}
