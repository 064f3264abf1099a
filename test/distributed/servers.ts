/** Starts the servers that the distributed tests share, and stops them. Tests that break a server start their own. */
import type { TestProject } from 'vitest/node';
import { startClickHouseServer } from '../support/clickhouse-server.ts';
import { startKafkaBroker } from '../support/kafka-broker.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** For UPTALLY_KAFKA_BROKERS. Every test makes a topic of its own. */
    kafkaBrokers: string;
    /** For UPTALLY_CLICKHOUSE_URL. Test files run one after another; each begins with `emptyClickHouse`. */
    clickhouseUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const broker = await startKafkaBroker();
  const clickhouse = await startClickHouseServer().catch(async (error: unknown) => {
    await broker.stop();
    throw error;
  });
  project.provide('kafkaBrokers', broker.brokers);
  project.provide('clickhouseUrl', clickhouse.url);
  return async () => {
    await Promise.all([broker.stop(), clickhouse.stop()]);
  };
}
