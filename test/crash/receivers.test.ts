/** A sender that heard nothing sends the same again, in its own protocol. */
import { join } from 'node:path';
import { existsSync, writeFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { BYTES_A_SECOND, T0 } from '../support/replica-pair.ts';
import { packed, type SentSeries, version1 } from '../support/remote-write.ts';
import { agentKey, newFolder, sendJson, type ServedFolder, untilStored } from '../support/server.ts';

let folder: ServedFolder | undefined;
afterEach(async () => {
  await folder?.remove();
  folder = undefined;
});

it('G13: killed between the log and its answer, a server has what is sent again once', async () => {
  folder = await newFolder('resend');
  const sign = join(folder.dir, 'die');
  const env = { UPTALLY_CLOCK: 'event', UPTALLY_RETENTION_DAYS: '0' };
  let server = await folder.start({ ...env, UPTALLY_TEST_CRASH: `before-answer:1:${sign}` });
  const { key } = await agentKey(server, 'prometheus', ['*']);
  await sendJson(server, 'PUT', '/v1/sources/rack', { preset: 'libvirt-exporter' });
  const series: SentSeries = {
    labels: {
      __name__: 'libvirt_domain_interface_stats_receive_bytes_total',
      ...{ uuid: 'vm-a', instance: 'hv1', target_device: 'vnet0' },
    },
    samples: Array.from({ length: 8 }, (_, i) => [i * 15 * BYTES_A_SECOND, T0 + i * 15_000]),
  };
  const call = {
    ...{ method: 'POST' as const, key: null, body: packed(version1([series])) },
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
  } as const;
  writeFileSync(sign, '');
  await expect(server.call('/v1/receive/prometheus/rack', call)).rejects.toThrow();
  expect((await server.exited).signal).toBe('SIGKILL');
  expect(existsSync(sign)).toBe(true);
  server = await folder.start(env);
  expect((await untilStored(server)).samples).toMatchObject({ accepted: 8, applied: 8, duplicate: 0 });
  expect((await server.call('/v1/receive/prometheus/rack', call)).status).toBe(204);
  expect((await untilStored(server)).samples).toMatchObject({ accepted: 16, applied: 8, duplicate: 8, conflict: 0 });
});
