/** /readyz while the ClickHouse of a server is away: of samples and of questions apart. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClickHouseServer, serverMissing, startClickHouseServer } from '../support/clickhouse-server.ts';
import { agentKey, newFolder, postLines, type ServedFolder, type TestServer, untilStored, within } from '../support/server.ts';

const missing = serverMissing();

describe.skipIf(missing !== undefined).each(['0', '1'])('with a ClickHouse server of its own (%s ingest workers)', (workers) => {
  let clickhouse: ClickHouseServer;
  let folder: ServedFolder;
  let server: TestServer;
  beforeAll(async () => {
    clickhouse = await startClickHouseServer();
    folder = await newFolder('readyz');
    server = await folder.start({ UPTALLY_CLICKHOUSE_URL: clickhouse.url, UPTALLY_INGEST_WORKERS: workers });
  });
  afterAll(async () => {
    await folder.remove();
    await clickhouse.stop();
  });

  const ready = async (what = ''): Promise<[status: number, body: unknown]> => {
    const answer = await server.call(`/readyz${what}`, { key: null });
    return [answer.status, answer.json()];
  };
  const until = (status: number): Promise<void> =>
    within(
      `/readyz to be ${status}`,
      (async () => {
        while ((await ready())[0] !== status) await new Promise((resolve) => setTimeout(resolve, 100));
      })(),
    );

  it('questions are not ready while it is away, samples are, and both when it is back', async () => {
    const { key } = await agentKey(server, 'host');
    const well = { status: 'ready', ready: true, samples: 'ok', questions: 'ok' };
    expect(await ready()).toEqual([200, well]);
    await clickhouse.kill();
    await until(503);
    expect(await ready('?for=questions')).toEqual([503, expect.objectContaining({ code: 'not_ready', samples: 'ok' })]);
    expect(await ready('?for=samples')).toEqual([200, expect.objectContaining({ ready: false, samples: 'ok' })]);
    expect((await postLines(server, key, [`{"vm":"v","ts":${Date.now()}}`])).status).toBe(202);
    expect((await ready('?for=everything'))[0]).toBe(400);
    expect((await server.call('/livez', { key: null })).status).toBe(200);
    const { text } = await server.call('/metrics', { key: null });
    expect(text).toContain('uptally_ready 0');
    expect(text).toContain('uptally_ready_for{for="samples"} 1');
    expect(text).toContain('uptally_ready_for{for="questions"} 0');
    await clickhouse.start();
    await until(200);
    expect(await ready('?for=questions')).toEqual([200, well]);
    expect((await untilStored(server)).samples.applied).toBe(1);
  });
});
