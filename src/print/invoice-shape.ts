/** The members of an invoice's JSON that its other forms show. */
export interface ShownInvoice {
  id: string;
  type: string;
  number: number | null;
  status: string;
  issued_at: string | null;
  account: string;
  /** null, or left out by documents of before there was one. */
  issuer?: ShownParty | null;
  customer: ShownParty & { language: string };
  currency: string;
  from: string;
  to: string;
  time_zone?: string;
  due_at: string;
  total: string;
  corrects?: { invoice: string; number: number | null };
  outstanding?: string;
  paid?: string;
  credited?: string;
  credit_notes?: readonly { id: string; number: number | null }[];
  usage_complete?: boolean;
  warnings?: readonly string[];
  usage_days?: ShownDays;
  sha256: { content: string; evidence: string } | null;
  lines: readonly ShownLine[];
}

export interface ShownParty {
  name: string;
  address?: string;
  tax_id?: string;
  email?: string;
  website?: string;
  payment?: string;
  api_url?: string;
}

export interface ShownLine {
  kind: string;
  vm: string | null;
  description: string;
  quantity: string;
  unit: string;
  unit_price: string;
  amount: string;
  formula: string;
  query: string | null;
  samples?: string;
  detail?: Readonly<Record<string, unknown>>;
}

/** As `UsageDays`; bytes may have been rounded by a JSON parser, which a picture does not show. */
export interface ShownDays {
  time_zone: string;
  dates: readonly string[];
  vms: readonly ShownVmDays[];
}
export interface ShownVmDays {
  vm: string;
  /** Left out by documents of before it was told. */
  served_ms?: readonly number[];
  up_ms: readonly number[];
  not_up_ms: Readonly<Record<string, readonly number[]>>;
  rx_bytes: readonly number[];
  tx_bytes: readonly number[];
}
