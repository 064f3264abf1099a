/** The demo's tables: what the API answers, beside what the machine's own counters say. */
import type { DemoApi } from './api.ts';
import { DOWN_VM, type DemoReader, HOST_VM, SILENT_VM } from './fleet-reader.ts';
import { clock, grouped, type Narrator } from './narrator.ts';

export interface ResultsContext {
  readonly tell: Narrator;
  readonly api: DemoApi;
  readonly reader: DemoReader;
  readonly interfaces: readonly string[];
}

/** Prints the tables. Throws when they are not what must have happened. */
export async function showResults(context: ResultsContext): Promise<void> {
  const { tell, api } = context;
  tell.heading(`4. Traffic of ${HOST_VM}, by minute and interface`);
  const traffic = await api.traffic(HOST_VM);
  tell.table(
    ['minute (UTC)', 'interface', 'received', 'sent'],
    traffic.map((row) => [clock(row.start), row.nic ?? '', grouped(row.rx_bytes), grouped(row.tx_bytes)]),
  );
  showTotals(context, traffic);

  tell.heading('6. Uptime and outages');
  const vms = [HOST_VM, DOWN_VM, SILENT_VM];
  const uptime: (readonly (string | number)[])[] = [];
  for (const vm of vms) {
    for (const row of await api.uptime(vm)) {
      const down = Object.values(row.down_ms).reduce((sum, ms) => sum + ms, 0);
      uptime.push([vm, clock(row.start), row.up_ms, down, row.silent_ms, row.unavailable_minutes]);
    }
  }
  tell.table(['VM', 'minute (UTC)', 'up ms', 'down ms', 'silent ms', 'unavailable'], uptime);
  tell.line();
  const outages: (readonly (string | number)[])[] = [];
  for (const vm of vms) {
    for (const { start, end, cause, duration_ms } of await api.outages(vm)) {
      outages.push([
        vm,
        cause,
        clock(start),
        end === null ? 'still open' : clock(end),
        duration_ms === null ? '' : (duration_ms / 1000).toFixed(1),
      ]);
    }
  }
  tell.table(['VM', 'outage', 'from (UTC)', 'to', 'seconds'], outages);
  for (const [vm, cause] of [
    [DOWN_VM, 'provider'],
    [SILENT_VM, 'silent'],
  ]) {
    if (!outages.some((row) => row[0] === vm && row[1] === cause))
      throw new Error(`the ${cause ?? ''} outage of ${vm ?? ''} is missing`);
  }

  tell.heading(`7. Credit of ${DOWN_VM}`);
  const credited = (await api.uptime(DOWN_VM)).filter((row) => row.unavailable_minutes > 0);
  tell.table(
    ['minute (UTC)', 'credit (CNY)'],
    credited.map((row) => [clock(row.start), yuan(row.credit_nanos)]),
  );
  const sum = credited.reduce((total, row) => total + row.credit_nanos, 0n);
  tell.line(
    `  ${credited.length} ${credited.length === 1 ? 'minute was' : 'minutes were'} touched by the outage: ${yuan(sum)} CNY. A part of a minute counts as a minute.`,
  );
  if (sum !== BigInt(credited.length) * 100_000_000n)
    throw new Error('a minute of 6.00 CNY an hour is worth 0.10, which the credit is not');
}

function showTotals({ tell, reader, interfaces }: ResultsContext, traffic: Awaited<ReturnType<DemoApi['traffic']>>): void {
  tell.heading("5. Totals, against the interfaces' own counters");
  const rows = interfaces.flatMap((nic) => {
    const seen = reader.seen.get(nic);
    if (seen === undefined) return [];
    const own = traffic.filter((row) => row.nic === nic);
    const metered = { rx: sumOf(own.map((row) => row.rx_bytes)), tx: sumOf(own.map((row) => row.tx_bytes)) };
    const moved = { rx: seen.last.rxBytes - seen.first.rxBytes, tx: seen.last.txBytes - seen.first.txBytes };
    return [
      { nic, direction: 'received', metered: metered.rx, moved: moved.rx },
      { nic, direction: 'sent', metered: metered.tx, moved: moved.tx },
    ];
  });
  tell.table(
    ['interface', '', 'metered', 'counters moved by', ''],
    rows.map((row) => [
      row.nic,
      row.direction,
      grouped(row.metered),
      grouped(row.moved),
      row.metered === row.moved ? 'equal' : 'DIFFERENT',
    ]),
  );
  const wrong = rows.find((row) => row.metered !== row.moved);
  if (wrong !== undefined)
    throw new Error(`${wrong.nic}: metered ${wrong.metered} bytes ${wrong.direction}, its counters moved by ${wrong.moved}`);
  tell.line('  Equal to the byte.');
}

function sumOf(values: readonly bigint[]): bigint {
  return values.reduce((sum, value) => sum + value, 0n);
}

/** `0.10` of nanos that are whole hundredths here, or all nine digits. */
function yuan(nanos: bigint): string {
  const digits = nanos.toString().padStart(10, '0');
  const shown = nanos % 10_000_000n === 0n ? -7 : digits.length;
  return `${digits.slice(0, -9)}.${digits.slice(-9).slice(0, shown)}`;
}
