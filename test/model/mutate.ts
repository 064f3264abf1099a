/** Damage to bytes: flipped bits, bytes put in, replaced and taken out, ends cut off. */
import fc from 'fast-check';

/** One way to damage a text; `at` is taken modulo its length. */
export type Mutation = { readonly at: number } & (
  | { readonly kind: 'flip'; readonly bit: number }
  | { readonly kind: 'insert' | 'replace'; readonly byte: number }
  | { readonly kind: 'delete' | 'truncate' | 'behead' }
);

export function mutationArbitrary(): fc.Arbitrary<Mutation> {
  const at = fc.nat(1_000_000);
  const byte = fc.oneof(
    fc.constantFrom(...Buffer.from('"\\{}[]:,-0123456789eE.+ntfu \t/')),
    fc.constantFrom(0x00, 0x1f, 0x7f, 0x80, 0xbf, 0xc0, 0xc3, 0xe2, 0xed, 0xef, 0xf0, 0xf4, 0xff),
    fc.nat(255),
  );
  return fc.oneof(
    fc.record({ kind: fc.constant('flip' as const), at, bit: fc.nat(7) }),
    fc.record({ kind: fc.constantFrom('insert' as const, 'replace' as const), at, byte }),
    fc.record({ kind: fc.constantFrom('delete' as const, 'truncate' as const, 'behead' as const), at }),
  );
}

/** The damaged bytes; the given ones stay as they are. */
export function mutate(bytes: Uint8Array, mutation: Mutation): Uint8Array {
  const at = mutation.at % (bytes.length + 1);
  const [head, tail] = [[...bytes.subarray(0, at)], [...bytes.subarray(at)]];
  switch (mutation.kind) {
    case 'flip':
      return Uint8Array.from([...head, ...tail.map((byte, index) => (index === 0 ? byte ^ (1 << mutation.bit) : byte))]);
    case 'insert':
      return Uint8Array.from([...head, mutation.byte, ...tail]);
    case 'replace':
      return Uint8Array.from([...head, mutation.byte, ...tail.slice(1)]);
    case 'delete':
      return Uint8Array.from([...head, ...tail.slice(1)]);
    case 'truncate':
      return Uint8Array.from(head);
    case 'behead':
      return Uint8Array.from(tail);
  }
}
