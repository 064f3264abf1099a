/**
 * SIGKILL between a state and what is told of it: whatever point a server dies at, each event arrives, none of something that is not on record, and what
 * comes twice has the same id.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FaultPoint, NOTICES_FAULT_POINTS } from '../../src/process/faults.ts';
import { newFolder, type ServedFolder, type TestServer, within } from '../support/server.ts';
import { until } from '../support/until.ts';
import { webhookReceiver, type WebhookReceiver } from '../support/webhook-receiver.ts';

const POINTS: readonly FaultPoint[] = NOTICES_FAULT_POINTS;
const ENV = { UPTALLY_NOTICES: 'on', UPTALLY_NOTICE_NETWORKS: '127.0.0.0/8', UPTALLY_MAX_VMS: '100' };
const HEADERS = { 'content-type': 'application/json' };

let folder: ServedFolder;
let receiver: WebhookReceiver;
let server: TestServer;

const sign = (point: FaultPoint): string => join(folder.dir, point);
/** Starts the server that will die at a point, once the file beside its data says so. */
const startFor = (point: FaultPoint | undefined): Promise<TestServer> =>
  folder.start(point === undefined ? ENV : { ...ENV, UPTALLY_TEST_CRASH: `${point}:1:${sign(point)}` });
const put = (path: string, body: object, method: 'PUT' | 'POST' = 'PUT'): Promise<{ id: string; secret?: string }> =>
  server.ask(path, { method, headers: HEADERS, body: JSON.stringify(body) });
const incidents = async (): Promise<string[]> =>
  (await server.ask<{ incidents: { id: string }[] }>('/v1/incidents')).incidents.map(({ id }) => id);
const told = (): string[] => receiver.events.map(({ data }) => String(data['incident']));

beforeAll(async () => {
  folder = await newFolder('notices');
  receiver = await webhookReceiver();
  server = await startFor(POINTS[0]);
  await put('/v1/accounts/acme', { name: 'Acme', currency: 'EUR' });
  await put('/v1/vms/web-1', { account: 'acme' });
  receiver.secret = (
    await put('/v1/webhooks', { url: receiver.url, account: 'acme', types: ['incident.recorded'] }, 'POST')
  ).secret;
});
afterAll(async () => {
  await folder.remove();
  await receiver.close();
});

describe('killed between a state and what is told of it, a server tells of it all the same', () => {
  it.each(POINTS.map((point, i) => ({ point, next: POINTS[i + 1] })))('$point', async ({ point, next }) => {
    const times = { from: '2026-03-01T00:00:00Z', to: '2026-03-01T01:00:00Z' };
    const incident = { scope: { account: 'acme' }, ...times, cause: 'provider', note: point };
    await writeFile(sign(point), '');
    // it may die before the answer is out, and after the state is on disk
    await put('/v1/incidents', incident, 'POST').catch(() => undefined);
    expect(await within('its death', server.exited)).toEqual({ code: null, signal: 'SIGKILL' });

    server = await startFor(next);
    const recorded = await incidents();
    const isTold = (): boolean => recorded.every((id) => told().includes(id));
    await until('each of them is told of', isTold, () => server.output());
    expect(new Set(told()).size).toBe(recorded.length);
  });

  it('with one id for each, and a signature that holds', async () => {
    // one that was still being sent may have met the next point before anything more was recorded
    const recorded = (await incidents()).length;
    expect(recorded).toBeGreaterThanOrEqual(POINTS.length - 1);
    const ids = new Map<string, string>(receiver.events.map(({ id, data }) => [id, String(data['incident'])]));
    expect(ids.size).toBe(recorded);
    expect(new Set(ids.values()).size).toBe(recorded);
    expect(receiver.faults).toEqual([]);
    // killed after the receiver had it: it came once more
    expect(receiver.events.length).toBeGreaterThan(recorded);
  });
});
