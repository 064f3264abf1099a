/**
 * The product as its users run it: `uptally serve` in a process of its own, on a folder of its own. Started, asked over HTTP, stopped or
 * killed; what it stores is read back over HTTP in the form of `expectedRows`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { CONDITIONS } from '../../src/domain/condition.ts';
import { compiledFile } from '../../src/process/compiled.ts';
import type { StoredRows } from './product.ts';

export const MAIN = fileURLToPath(compiledFile('cli/main.js'));
export const ADMIN_KEY = 'admin-key-of-the-tests';
/** How long a start, a stop or a question may take: far more than they need, so that only what hangs fails. */
const PATIENCE_MS = 60_000;
const POLL_MS = 20;

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The text as JSON; integers of 16 digits and more come as strings of digits, so that nothing is rounded. */
  json(): unknown;
}

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH';
  /** The admin key if absent, none if null. */
  readonly key?: string | null;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
}

export interface StatusJson {
  readonly log: { readonly appended: number; readonly aggregated: number; readonly stored: number };
  readonly watermark: string | null;
  readonly catalog: { readonly recorded: number; readonly applied: number };
  readonly vms: number;
  readonly samples: Record<'accepted' | 'applied' | 'duplicate' | 'conflict' | 'late' | 'quarantined', number> & {
    readonly rejected: Record<string, number>;
  };
}

/** A server process. `call` throws when no answer comes: the connection was refused or cut. */
export interface TestServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the process has ended, however it did. */
  readonly exited: Promise<Exit>;
  /** What it has written so far: its log, then its errors. */
  output(): string;
  call(path: string, call?: Call): Promise<Answer>;
  /** The answer of a call that must succeed, as JSON. */
  ask<T>(path: string, call?: Call): Promise<T>;
  status(): Promise<StatusJson>;
  /** Sends the signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<Exit>;
}

export interface ServerSetup {
  /** The data folder. */
  readonly dir: string;
  /** The program; that of dist/ if left out. */
  readonly main?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Told of the process as soon as there is one, before it listens. */
  readonly onSpawn?: (pid: number) => void;
}

/** Starts a server; resolves when it listens, with undefined when it was killed before that by the fault it was given. */
export async function startOrDie(setup: ServerSetup): Promise<TestServer | undefined> {
  const child = spawn(process.execPath, [setup.main ?? MAIN, 'serve'], {
    env: { ...environment(), UPTALLY_DATA_DIR: setup.dir, ...setup.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (child.pid !== undefined) setup.onSpawn?.(child.pid);
  const written: string[] = [];
  let url: string | undefined;
  const listening = new Promise<string>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      written.push(text);
      url ??= /^uptally listens on (\S+)/m.exec(written.join(''))?.[1];
      if (url !== undefined) resolve(url);
    });
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => written.push(text));
  const exited = (once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>).then(([code, signal]) => ({
    code,
    signal,
  }));
  const first = await within('the server to start', Promise.race([listening, exited])).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  if (typeof first === 'string') return handle(child, first, exited, () => written.join(''));
  if (first.signal === 'SIGKILL' && setup.env?.['UPTALLY_TEST_CRASH'] !== undefined) return undefined;
  throw new Error(`the server ended with ${first.code ?? first.signal} instead of listening:\n${written.join('')}`);
}

/** Starts a server that is not meant to die at its start. */
export async function startServer(setup: ServerSetup): Promise<TestServer> {
  const server = await startOrDie(setup);
  if (server === undefined) throw new Error('the server was killed at its start');
  return server;
}

/** A folder in which servers are started, one after another. */
export interface ServedFolder {
  readonly dir: string;
  start(env?: ServerSetup['env']): Promise<TestServer>;
  /** Ends what still runs. */
  remove(): Promise<void>;
}

/** Makes a folder; servers have their data in it, and a test may keep its own files beside. */
export async function newFolder(name: string): Promise<ServedFolder> {
  const dir = await mkdtemp(join(tmpdir(), `uptally-${name}-`));
  const servers: TestServer[] = [];
  return {
    dir,
    async start(env = {}) {
      const server = await startServer({ dir: join(dir, 'data'), env });
      servers.push(server);
      return server;
    },
    async remove() {
      for (const server of servers) await server.end('SIGKILL');
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** This process's environment without settings of ours, then what every test wants. */
function environment(): Record<string, string | undefined> {
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('UPTALLY_'));
  return {
    ...Object.fromEntries(others),
    UPTALLY_PORT: '0',
    UPTALLY_ADMIN_KEY: ADMIN_KEY,
    UPTALLY_MAX_VMS: '5000',
    UPTALLY_LOG_LEVEL: 'warn',
    // Nothing happens that the test did not ask for.
    UPTALLY_SCHEDULER: 'off',
    UPTALLY_NOTICES: 'off',
    // the same on every machine; UPTALLY_TEST_WORKERS=2 sends everything through workers
    UPTALLY_INGEST_WORKERS: process.env['UPTALLY_TEST_WORKERS'] ?? '0',
  };
}

function handle(child: ChildProcess, url: string, exited: Promise<Exit>, output: () => string): TestServer {
  const pool = new Pool(url, { connections: 16, headersTimeout: PATIENCE_MS, bodyTimeout: PATIENCE_MS });
  void exited.then(() => pool.destroy());
  const call = async (path: string, { method, key = ADMIN_KEY, headers, body }: Call = {}): Promise<Answer> => {
    const answer = await pool.request({
      path,
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { ...(key === null ? {} : { authorization: `Bearer ${key}` }), ...headers },
      ...(body === undefined ? {} : { body }),
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, headers: answer.headers, text, json: () => exactJson(text) };
  };
  const ask = async <T>(path: string, request?: Call): Promise<T> => {
    const answer = await call(path, request);
    if (answer.status >= 300) throw new Error(`${path} answered ${answer.status}: ${answer.text}`);
    return answer.json() as T;
  };
  return {
    url,
    port: Number(new URL(url).port),
    pid: child.pid ?? 0,
    exited,
    output,
    call,
    ask,
    status: () => ask<StatusJson>('/v1/status'),
    end(signal) {
      child.kill(signal);
      return within(`the server to end after ${signal}`, exited);
    },
  };
}

/** JSON.parse that rounds no integer. */
export function exactJson(text: string): unknown {
  return JSON.parse(text.replace(/([:[,])(\d{16,})(?=[,}\]])/g, '$1"$2"'));
}

/** A promise with an end to patience. */
export async function within<T>(what: string, promise: Promise<T>, ms = PATIENCE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`waited ${ms} ms for ${what}`));
    }, ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks for the status until it satisfies the condition. */
export async function untilStatus(
  server: TestServer,
  what: string,
  condition: (status: StatusJson) => boolean,
): Promise<StatusJson> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const status = await server.status();
    if (condition(status)) return status;
    if (performance.now() > deadline)
      throw new Error(`waited ${PATIENCE_MS} ms for ${what}; the status is ${JSON.stringify(status)}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Waits until everything posted can be queried. */
export function untilStored(server: TestServer): Promise<StatusJson> {
  return untilStatus(
    server,
    'everything to be stored',
    ({ log, catalog, samples }) =>
      log.appended === log.aggregated &&
      log.aggregated === log.stored &&
      samples.accepted === log.appended &&
      catalog.recorded === catalog.applied,
  );
}

/** Sends JSON; the answer of a call that must succeed. */
export function sendJson<T = Record<string, unknown>>(
  server: TestServer,
  method: 'PUT' | 'POST',
  path: string,
  body: object = {},
): Promise<T> {
  return server.ask<T>(path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
}

/** Makes an agent's key; `vms` are its patterns. */
export function agentKey(server: TestServer, name: string, vms: readonly string[] = ['*']): Promise<{ id: string; key: string }> {
  return sendJson(server, 'POST', '/v1/keys', { role: 'agent', name, vms });
}

/** Posts NDJSON lines. */
export function postLines(server: TestServer, key: string, lines: readonly string[]): Promise<Answer> {
  return server.call('/v1/samples', { key, headers: { 'content-type': 'application/x-ndjson' }, body: lines.join('\n') });
}

/** Every row of a paged answer; the path may have a query. */
export async function allRows<T>(server: TestServer, path: string): Promise<T[]> {
  const rows: T[] = [];
  let cursor: string | null = null;
  do {
    const [bare = path] = path.split('?', 1);
    const page: { rows: T[]; next: string | null } = await server.ask(
      cursor === null ? path : `${bare}?cursor=${encodeURIComponent(cursor)}`,
    );
    rows.push(...page.rows);
    cursor = page.next;
  } while (cursor !== null);
  return rows;
}

interface UptimeJson {
  readonly start: string;
  readonly up_ms: number;
  readonly down_ms: Readonly<Record<string, number>>;
  readonly silent_ms: number;
  readonly unavailable_minutes: number;
  readonly credit_nanos: number | string;
}

/** What a server has, over HTTP: what is stored, the minutes as the uptime query answers them, and the raw samples in force. */
export interface ServedRows extends StoredRows {
  readonly minutes: string[];
  readonly raw: string[];
}

const FOREVER = 'from=1970-01-01T00:00:00Z&to=2099-01-01T00:00:00Z';

/** Reads everything of the VMs that is stored, as sorted lines (the form of `expectedRows`). */
export async function readServed(server: TestServer, vms: readonly string[]): Promise<ServedRows> {
  const served = { uptime: [], minutes: [], traffic: [], outages: [], raw: [], quarantined: [] } as Record<string, string[]>;
  const add = (list: string, line: string): void => void served[list]?.push(line);
  const seconds = (instant: string): number => Date.parse(instant) / 1000;
  const ofVm = async (vm: string): Promise<void> => {
    const path = `/v1/vms/${vm}`;
    for (const row of await allRows<UptimeJson>(server, `${path}/minutes?${FOREVER}`)) add('uptime', uptimeLine(vm, row));
    for (const row of await allRows<UptimeJson>(server, `${path}/uptime?${FOREVER}&step=minute`))
      add('minutes', uptimeLine(vm, row));
    for (const row of await allRows<{ start: string; nic: string; rx_bytes: number; tx_bytes: number }>(
      server,
      `${path}/traffic?${FOREVER}&step=minute&by=nic`,
    ))
      add('traffic', `${vm} ${row.nic} ${seconds(row.start)} ${row.rx_bytes} ${row.tx_bytes}`);
    for (const row of await allRows<{ start: string; end: string | null; cause: string }>(server, `${path}/outages?${FOREVER}`))
      add('outages', `${vm} ${Date.parse(row.start)} ${row.end === null ? 0 : Date.parse(row.end)} ${row.cause}`);
    for (const row of await allRows<RawJson>(server, `${path}/samples?${FOREVER}`)) add('raw', rawLine({ ...row, vm }));
  };
  // a few at a time: one after another waits, all at once crowds the server
  const waiting = [...vms];
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let vm = waiting.pop(); vm !== undefined; vm = waiting.pop()) await ofVm(vm);
    }),
  );
  const known = new Set(vms);
  let conflicts = 0;
  for (const row of await allRows<AnomalyJson>(server, `/v1/anomalies?${FOREVER}`)) {
    if (!known.has(row.vm)) continue;
    if (row.kind === 'conflict') conflicts++;
    else
      add(
        'quarantined',
        `${row.vm} ${row.nic}/${row.b.host ?? ''}/${partOf(row.b)} ${row.a === null ? 0 : Date.parse(row.a.ts)} ${Date.parse(row.b.ts)} ${row.b.rx_bytes ?? 0} ${row.b.tx_bytes ?? 0}`,
      );
  }
  for (const list of Object.values(served)) list.sort();
  const { uptime = [], minutes = [], traffic = [], outages = [], raw = [], quarantined = [] } = served;
  return { uptime, minutes, traffic, outages, raw, quarantined, conflicts, samples: raw.length };
}

export interface RawJson {
  readonly vm: string;
  readonly ts: string;
  readonly nic: string;
  readonly rx_bytes?: number | string;
  readonly tx_bytes?: number | string;
  readonly epoch: number;
  readonly state: string;
  readonly cause?: string;
  readonly agent: string;
}

interface AnomalyJson {
  readonly vm: string;
  readonly nic: string;
  readonly kind: string;
  /** null: b is the first of its chain. */
  readonly a: { readonly ts: string } | null;
  readonly b: {
    readonly ts: string;
    readonly host?: string;
    readonly rx_bytes?: number | string;
    readonly tx_bytes?: number | string;
  };
}

/** Which half of an interface's counters a sample has; '' for both, and for none. */
function partOf({ rx_bytes: rx, tx_bytes: tx }: Pick<RawJson, 'rx_bytes' | 'tx_bytes'>): '' | 'rx' | 'tx' {
  if ((rx === undefined) === (tx === undefined)) return '';
  return rx === undefined ? 'tx' : 'rx';
}

function uptimeLine(vm: string, row: UptimeJson): string {
  const parts = CONDITIONS.map((name) =>
    name === 'up' ? row.up_ms : name === 'silent' ? row.silent_ms : (row.down_ms[name] ?? 0),
  );
  return `${vm} ${Date.parse(row.start) / 1000} ${parts.join(',')} ${row.unavailable_minutes} ${row.credit_nanos}`;
}

function rawLine(row: RawJson): string {
  const { vm, nic, ts, rx_bytes: rx = '-', tx_bytes: tx = '-', epoch, state, cause = state, agent } = row;
  return `${vm} ${nic} ${Date.parse(ts)} ${rx} ${tx} ${epoch} ${cause} ${agent}`;
}
