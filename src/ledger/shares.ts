/** A part of what was charged: which VM's, of which kind of line. */
export interface ChargedPart {
  readonly vm: string | null;
  readonly kind: string;
  readonly nanos: bigint;
}

/** How much of what was charged is whose, with its share of the tax rounded down; late fees are nobody's. Only VMs that were charged something. */
export function sharesOf(parts: readonly ChargedPart[]): Map<string, bigint> {
  const net = new Map<string, bigint>();
  let taxed = 0n;
  let tax = 0n;
  for (const { vm, kind, nanos } of parts) {
    if (kind === 'tax') tax += nanos;
    else taxed += nanos;
    if (vm !== null && kind !== 'tax') net.set(vm, (net.get(vm) ?? 0n) + nanos);
  }
  return new Map(
    [...net].filter(([, nanos]) => nanos > 0n).map(([vm, nanos]) => [vm, nanos + (taxed <= 0n ? 0n : (tax * nanos) / taxed)]),
  );
}
