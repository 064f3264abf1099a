export const TRAFFIC_STRUCTURE =
  "vm String, nic String, minute DateTime('UTC'), rx_bytes UInt64, tx_bytes UInt64, version UInt64";

/** One row of `traffic` in RowBinary, written byte by byte; `tx_bytes` is 255, which is no UTF-8. */
export function trafficRow(vm: string, minuteSeconds: number, rx: bigint, version: bigint): Uint8Array {
  const bytes = Buffer.alloc(1 + vm.length + 1 + 4 + 24);
  bytes.writeUInt8(vm.length, 0);
  bytes.write(vm, 1, 'latin1');
  let at = 1 + vm.length + 1;
  bytes.writeUInt32LE(minuteSeconds, at);
  at += 4;
  for (const value of [rx, 255n, version]) {
    bytes.writeBigUInt64LE(value, at);
    at += 8;
  }
  return bytes;
}
