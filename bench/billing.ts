/**
 * How long does it take to bill a month of 1,000 accounts of 10 VMs each (a row a minute a VM, outages, incidents, all five sheets, 95th
 * percentiles among them)? Over HTTP as `uptally invoices run` does it: rating alone, then numbered and stored, then once more, which must
 * make nothing. Beside it the same accounts one request each. The server is a process of its own on the embedded ClickHouse. Unfair would be
 * VMs without traffic, rows laid out account by account (see fleet.ts), or a store that does not fsync. Totals must be the same both ways.
 */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { compiledFile } from '../src/process/compiled.ts';
import { accountName, FLEET_SERVER, fleetFolder, type FleetSize, makeFleet, openFleetStore, PERIOD, settled } from './fleet.ts';
import { ratio, type Report, summary } from './harness.ts';
import { cpuSeconds, KEY, start } from './server-process.ts';

interface Outcome {
  readonly account: string;
  readonly outcome: string;
  readonly number: number | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly total: string | null;
}
interface Part {
  readonly outcomes: readonly Outcome[];
  readonly next: string | null;
}

/** Accounts of a round that compares the two ways. */
const SAMPLE = 25;

export async function billingBench({ rounds, ...size }: FleetSize & { rounds: number }): Promise<Report> {
  const { dir, remove } = fleetFolder();
  await makeFleet(dir, size, (line) => {
    console.error(line);
  });
  await forgetInvoices(dir);
  const server = await start(fileURLToPath(compiledFile('cli/main.js')), ['serve'], {
    ...FLEET_SERVER,
    UPTALLY_DATA_DIR: dir,
  });
  try {
    await settled(server.url);
    const post = async <T>(path: string, body: object): Promise<T> => {
      const answer = await fetch(`${server.url}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      const text = await answer.text();
      if (answer.status >= 300) throw new Error(`${path} answered ${answer.status}: ${text}`);
      return JSON.parse(text) as T;
    };
    const run = async (request: object): Promise<{ ms: number; cpuMs: number; outcomes: Outcome[] }> => {
      const startMs = performance.now();
      const cpuBefore = cpuSeconds(server.pid);
      const outcomes: Outcome[] = [];
      for (let after: string | null = null; ;) {
        const part: Part = await post('/v1/invoice-runs', { period: PERIOD, ...request, ...(after === null ? {} : { after }) });
        outcomes.push(...part.outcomes);
        console.error(`billed ${outcomes.length} accounts in ${Math.round((performance.now() - startMs) / 1000)} s`);
        if (part.next === null)
          return { ms: performance.now() - startMs, cpuMs: (cpuSeconds(server.pid) - cpuBefore) * 1000, outcomes };
        after = part.next;
      }
    };
    const all = (outcomes: readonly Outcome[], wanted: string): void => {
      const other = outcomes.find((each) => each.outcome !== wanted);
      if (other !== undefined || outcomes.length === 0) throw new Error(`not ${wanted}: ${JSON.stringify(other)}`);
    };

    const together: number[] = [];
    const single: number[] = [];
    const sample = Math.min(SAMPLE, size.accounts);
    for (let round = 0; round < rounds; round++) {
      const accounts = Array.from({ length: sample }, (_, i) => accountName((round * sample + i) % size.accounts));
      const rated = await run({ accounts, dry_run: true });
      together.push((sample * 1000) / rated.ms);
      const startMs = performance.now();
      for (const { account, from, to, total } of rated.outcomes) {
        const one = await post<{ total: string }>('/v1/invoices', { account, from, to, mode: 'preview' });
        if (one.total !== total) throw new Error(`${account}: ${one.total} alone, ${total ?? ''} together`);
      }
      single.push((sample * 1000) / (performance.now() - startMs));
    }

    const dry = await run({ dry_run: true });
    all(dry.outcomes, 'created');
    const final = await run({ finalize: true, without_issuer: true });
    all(final.outcomes, 'finalized');
    const again = await run({ finalize: true, without_issuer: true });
    all(again.outcomes, 'kept');
    const numbers = final.outcomes.map((each) => each.number ?? 0).sort((a, b) => a - b);
    if (numbers.some((number, i) => number !== i + 1)) throw new Error('the numbers have a gap');
    const totals = (outcomes: readonly Outcome[]): string =>
      outcomes.map((each) => `${each.account} ${each.total ?? ''}`).join('\n');
    if (totals(dry.outcomes) !== totals(final.outcomes)) throw new Error('what was rated is not what became final');

    const a = summary('accounts a second, in a run', together);
    const b = summary('accounts a second, one request each', single);
    return {
      bench: 'billing',
      question: 'how long does it take to bill a month of a fleet?',
      workHash: createHash('sha256').update(totals(final.outcomes)).digest('hex').slice(0, 16),
      work: { accounts: size.accounts, vms: size.accounts * size.vmsAnAccount, minutesAVm: 45_360, comparedARound: sample },
      rates: [],
      times: [
        summary('rate all (dry run)', [dry.ms]),
        summary('rate, number and store all', [final.ms]),
        summary('once more, nothing to do', [again.ms]),
        // What other work on the machine takes away does not count here.
        summary('CPU time of rating all', [dry.cpuMs]),
        summary('CPU time of rating, numbering and storing all', [final.cpuMs]),
        summary('an account rated in a run', together.map((rate) => 1000 / rate)),
        summary('an account rated by a request of its own', single.map((rate) => 1000 / rate)),
      ], // prettier-ignore
      ratios: [ratio('in a run ÷ one request each', a, b)],
    };
  } finally {
    await server.stop();
    remove();
  }
}

/** A fleet that was billed before is billed anew. */
async function forgetInvoices(dir: string): Promise<void> {
  const store = await openFleetStore(dir);
  try {
    await store.command("ALTER TABLE catalog DELETE WHERE kind IN ('invoice', 'settlement') SETTINGS mutations_sync = 1");
  } finally {
    await store.close();
  }
}
