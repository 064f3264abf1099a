/** A receiver of the tests in processes of the product: it joins the list before the program begins, in the main process and in its workers. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import ts from 'typescript';
import { expect } from 'vitest';
import { allRows, agentKey, postLines, type Answer, type TestServer, untilStored } from './server.ts';

const DIST = new URL('../../dist/', import.meta.url);

/** The environment of a server that knows the CSV receiver. @param dir where the compiled receiver is written */
export function withCsvReceiver(dir: string): Record<string, string> {
  const source = readFileSync(new URL('csv-receiver.ts', import.meta.url), 'utf8');
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  const product = (path: string): string => new URL(path, DIST).href;
  const compiled = outputText
    .replace(/'\.\.\/\.\.\/src\/(.+)\.ts'/g, (_, path: string) => `'${product(`${path}.js`)}'`)
    .replace("'zod'", `'${import.meta.resolve('zod')}'`);
  const file = join(dir, 'csv-receiver.mjs');
  const list = `import { RECEIVERS } from '${product('ingest/receivers/receivers.js')}';\nRECEIVERS.push(csvReceiver);\n`;
  writeFileSync(file, `${compiled}\n${list}`);
  return { NODE_OPTIONS: `--import=file://${file}` };
}

const TS = Date.parse('2026-03-01T00:00:00Z');

/** What a receiver's senders see, wherever it is registered. @returns the process that answered */
export async function expectCsvReceived(server: TestServer): Promise<number> {
  const { key } = await agentKey(server, `host-${server.pid}`, ['c*']);
  const post = (
    body: string | Uint8Array,
    authorization = `Token ${key}`,
    headers: Record<string, string> = {},
  ): Promise<Answer> =>
    server.call('/v1/receive/csv/rack-7', {
      ...{ method: 'POST', key: null, body },
      headers: { 'content-type': 'text/csv', authorization, ...headers },
    });

  const first = await post(deflateSync(`c1,eth0,${TS},1,2\nc1,eth0,${TS + 10_000},18446744073709551,9\n`), undefined, {
    'content-encoding': 'deflate',
  });
  expect([first.status, first.headers['x-csv-written'], first.headers['x-csv-source']]).toEqual([204, '2', 'rack-7']);
  expect((await postLines(server, key, [jsonLine(0, 1, 2), jsonLine(10_000, '18446744073709551', 9)])).status).toBe(202);

  for (const authorization of [`Bearer ${key}`, `Basic ${Buffer.from(`anybody:${key}`).toString('base64')}`])
    expect((await post(`c3,,${TS},1,2\n`, authorization)).status).toBe(204);
  const stranger = await post('', 'Digest x');
  expect([stranger.status, stranger.text]).toEqual([
    401,
    'error: the request has no Authorization: Token KEY or Basic base64(ANY:KEY) or Bearer KEY\n',
  ]);
  expect(stranger.headers['www-authenticate']).toBe('Token realm="uptally", Basic realm="uptally", Bearer realm="uptally"');

  const malformed = await post('c1;eth0\n');
  expect([malformed.status, malformed.text]).toEqual([400, 'error: line 1 is not vm,nic,ts,rx,tx\n']);
  const otherType = await post('<c1/>', undefined, { 'content-type': 'text/xml' });
  expect([otherType.status, otherType.text]).toEqual([415, 'error: lines come as text/csv\n']);
  const many = `c4,,${TS},1,2\n`.repeat(100_000);
  expect(Buffer.byteLength(many)).toBeGreaterThan(1024 * 1024);
  expect((await post(many)).text).toBe('error: a request holds at most 50,000 samples\n');
  const partly = await post(`c5,,${TS},1,2\nd5,,${TS},1,2\n`);
  expect([partly.status, partly.text]).toEqual([422, '1 of 2 lines are not taken\n']);

  const ping = await server.call('/v1/receive/csv/rack-7/ping', { key: null });
  expect([ping.status, ping.headers['x-csv-version']]).toEqual([204, '1']);
  const wrongMethod = await server.call('/v1/receive/csv/rack-7', { key: null });
  expect([wrongMethod.status, wrongMethod.headers['allow']]).toEqual([405, 'POST']);
  return Number(first.headers['x-csv-process']);
}

/** Once all is stored: what came as CSV is what came as JSON. */
export async function expectCsvStored(server: TestServer): Promise<void> {
  await untilStored(server);
  const rowsOf = async (vm: string): Promise<unknown[]> => {
    const rows = await allRows<object>(server, `/v1/vms/${vm}/samples?from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z`);
    // but for the VM and its place in the log
    return rows.map((row) => ({ ...row, vm: '', pos: 0 }));
  };
  const rows = await rowsOf('c1');
  expect(rows).toHaveLength(2);
  expect(rows).toEqual(await rowsOf('c2'));
  expect(await rowsOf('c5')).toHaveLength(1);
}

function jsonLine(afterMs: number, rx: number | string, tx: number): string {
  return JSON.stringify({ vm: 'c2', nic: 'eth0', ts: TS + afterMs, rx_bytes: rx, tx_bytes: tx });
}
