/** What tests of ingest workers see of them from outside. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type TestServer } from '../../support/server.ts';

/** Process ids of a server's workers (Linux). */
export function workersOf({ pid }: TestServer): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.split(' ').filter(Boolean).map(Number);
}

/** Whether a process runs; one that has ended and whose parent has not asked for its code does not. */
export function isAlive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** A metric's value by its name with labels, as Prometheus would read it. */
export async function metric(server: TestServer, name: string): Promise<number> {
  const { text } = await server.call('/metrics', { key: null });
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return line === undefined ? 0 : Number(line.slice(name.length + 1));
}

/** Polls until a metric has a value. */
export async function untilMetric(server: TestServer, name: string, value: number): Promise<void> {
  const endMs = performance.now() + 30_000;
  for (;;) {
    // a connection may still lead to a worker that has just died
    const now = await metric(server, name).catch(() => undefined);
    if (now === value) return;
    if (performance.now() > endMs) throw new Error(`${name} is ${String(now)} and not ${value}`);
    await sleep(20);
  }
}

export function untilWorkers(server: TestServer, workers: number): Promise<void> {
  return untilMetric(server, 'uptally_ingest_workers', workers);
}
