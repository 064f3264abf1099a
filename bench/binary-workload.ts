/** A body of lines in the binary format: what an agent of this project sends instead. */
import { encodeBinaryAt } from '../src/samples/binary-writer.ts';

interface Line {
  readonly vm: string;
  readonly ts: number;
  readonly nic: string;
  readonly rx_bytes: number;
  readonly tx_bytes: number;
}

export function binaryOf(body: Buffer): Buffer {
  const lines = body.toString('latin1').trimEnd().split('\n');
  return encodeBinaryAt(
    lines.map((text) => {
      const { vm, ts, nic, rx_bytes, tx_bytes } = JSON.parse(text) as Line;
      return { atMs: ts, vm, nic, counters: { rxBytes: BigInt(rx_bytes), txBytes: BigInt(tx_bytes), epoch: 0 }, downCause: null };
    }),
  );
}
