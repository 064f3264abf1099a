import { PassThrough, Readable } from 'node:stream';
import type { CliContext } from '../../src/cli/terminal/context.ts';
import { runProgram, type CommandModule } from '../../src/cli/program.ts';
import * as agent from '../../src/cli/commands/agent.ts';
import * as audit from '../../src/cli/commands/audit.ts';
import * as balance from '../../src/cli/commands/balance.ts';
import * as catalog from '../../src/cli/commands/catalog.ts';
import * as events from '../../src/cli/commands/events.ts';
import * as findings from '../../src/cli/commands/findings.ts';
import * as names from '../../src/cli/commands/names.ts';
import * as notices from '../../src/cli/commands/notices.ts';
import * as incidents from '../../src/cli/commands/incidents.ts';
import * as outages from '../../src/cli/commands/outages.ts';
import * as invoices from '../../src/cli/commands/invoices.ts';
import * as keys from '../../src/cli/commands/keys.ts';
import * as money from '../../src/cli/commands/money.ts';
import * as payments from '../../src/cli/commands/payments.ts';
import * as reconcile from '../../src/cli/commands/reconcile.ts';
import * as portalLinks from '../../src/cli/commands/portal-links.ts';
import * as priceList from '../../src/cli/commands/price-list.ts';
import * as refundCheck from '../../src/cli/commands/refund-check.ts';
import * as send from '../../src/cli/commands/send.ts';
import * as silences from '../../src/cli/commands/silences.ts';
import * as sources from '../../src/cli/commands/sources.ts';
import * as statement from '../../src/cli/commands/statement.ts';
import * as status from '../../src/cli/commands/status.ts';
import * as terms from '../../src/cli/commands/terms.ts';
import * as webhooks from '../../src/cli/commands/webhooks.ts';
import * as verify from '../../src/cli/commands/verify.ts';

const modules: readonly CommandModule[] = [
  agent,
  send,
  status,
  verify,
  terms,
  refundCheck,
  keys,
  portalLinks,
  audit,
  catalog,
  incidents,
  outages,
  silences,
  sources,
  invoices,
  reconcile,
  webhooks,
  notices,
  findings,
  names,
  balance,
  money,
  statement,
  payments,
  events,
  priceList,
];

export interface CliRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly waits: readonly number[];
}

/** Runs a command line in this process with captured streams; waits pass at once and move the clock, as does each look at it by `tickMs`. */
export async function runCli(
  args: readonly string[],
  more: { env?: Record<string, string>; stdin?: string; signal?: AbortSignal; terminal?: boolean; tickMs?: number } = {},
): Promise<CliRun> {
  const stdout = new PassThrough();
  const stderr = Object.assign(new PassThrough(), more.terminal === true ? { isTTY: true, columns: 80 } : {});
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  stdout.on('data', (part: Buffer) => out.push(part));
  stderr.on('data', (part: Buffer) => err.push(part));
  const waits: number[] = [];
  let nowMs = Date.UTC(2026, 2, 1);
  const context: CliContext = {
    stdin: Readable.from(more.stdin === undefined ? [] : [Buffer.from(more.stdin)]),
    stdout,
    stderr,
    env: more.env ?? {},
    now: () => (nowMs += more.tickMs ?? 0),
    random: () => 0.5,
    sleep: async (ms) => {
      waits.push(ms);
      nowMs += ms;
      await new Promise(setImmediate);
    },
    interrupted: () => more.signal ?? new AbortController().signal,
  };
  const code = await runProgram(modules, args, context);
  await new Promise(setImmediate);
  return { code, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString(), waits };
}
