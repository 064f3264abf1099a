/** What an agent tells Prometheus of its work: over HTTP when asked for, or in a file for node_exporter's textfile collector. */
import { rename, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { Gauge, Registry } from 'prom-client';
import type { AgentStats } from './agent.ts';
import type { RelayStats } from './relay.ts';
import { LEFT_OUT } from '../samples/reading.ts';
import { productVersion } from '../process/version.ts';

const HELP = {
  uptally_agent_info: 'Always 1; the labels say what the agent is',
  uptally_agent_rounds_total: 'Rounds, by whether the source could be read',
  uptally_agent_round_timestamp_seconds: 'When the last round that could be read ended',
  uptally_agent_seen: 'Interfaces and domains that the last round saw',
  uptally_agent_metered: 'Of those, the ones whose counters were read',
  uptally_agent_state_only: 'Of those, the ones that have a state and no counters',
  uptally_agent_left_out: 'Of those, the ones left out, by reason',
  uptally_agent_samples_total: 'Samples, by what became of them',
  uptally_agent_batches_total: 'Batches, by what became of them',
  uptally_agent_send_failures_total: 'Tries to send that ended without a verdict on the batch',
  uptally_agent_sent_timestamp_seconds: 'When the server last took a batch',
  uptally_agent_spool_batches: 'Batches that wait to be sent',
  uptally_agent_spool_samples: 'Samples that wait to be sent',
  uptally_agent_rejected_batches: 'Batches kept under rejected/ (uptally agent resend sends them again)',
  uptally_agent_rejected_bytes: 'What they take',
  uptally_agent_relay_posts_total: 'Posts of other senders, by what became of them',
  uptally_agent_relay_datagrams_total: 'Datagrams with lines, by what became of them; cut: but for the line in which they end',
  uptally_agent_relay_batches_total: 'Posts on their way to the server, by what became of them',
  uptally_agent_relay_send_failures_total: 'Tries to send them that ended without a verdict',
  uptally_agent_relay_spool_batches: 'Posts that wait to be sent',
  uptally_agent_relay_rejected_batches: 'Posts kept under relay/rejected/',
} as const;

class Gauges {
  readonly #registry = new Registry();

  set(name: keyof typeof HELP, value: number, labels: Record<string, string> = {}): void {
    const known = this.#registry.getSingleMetric(name) as Gauge | undefined;
    const gauge = known ?? new Gauge({ name, help: HELP[name], labelNames: Object.keys(labels), registers: [this.#registry] });
    gauge.set(labels, value);
  }

  async text(): Promise<string> {
    const text = await this.#registry.metrics();
    // Counters that live elsewhere are set, not counted here; scrapers go by the type that is written.
    return text.replaceAll(/^(# TYPE uptally_agent_\w+_total) gauge$/gm, '$1 counter');
  }
}

/** What the relay did, as a text of Prometheus's format. */
export async function relayMetrics(stats: RelayStats): Promise<string> {
  const gauges = new Gauges();
  gauges.set('uptally_agent_relay_posts_total', stats.takenPosts, { result: 'taken' });
  gauges.set('uptally_agent_relay_posts_total', stats.refusedPosts, { result: 'refused' });
  gauges.set('uptally_agent_relay_datagrams_total', stats.datagrams - stats.cutDatagrams - stats.lostDatagrams, {
    result: 'taken',
  });
  gauges.set('uptally_agent_relay_datagrams_total', stats.cutDatagrams, { result: 'cut' });
  gauges.set('uptally_agent_relay_datagrams_total', stats.lostDatagrams, { result: 'lost' });
  gauges.set('uptally_agent_relay_batches_total', stats.sentBatches, { result: 'sent' });
  gauges.set('uptally_agent_relay_batches_total', stats.setAsideBatches, { result: 'set_aside' });
  gauges.set('uptally_agent_relay_batches_total', stats.droppedBatches, { result: 'dropped' });
  gauges.set('uptally_agent_relay_send_failures_total', stats.failedAttempts);
  gauges.set('uptally_agent_relay_spool_batches', stats.pendingBatches);
  gauges.set('uptally_agent_relay_rejected_batches', stats.rejectedBatches);
  return await gauges.text();
}

/** The metrics as a text of Prometheus's format. @param source the reader's name */
export async function agentMetrics(stats: AgentStats, source: string): Promise<string> {
  const gauges = new Gauges();
  const set = gauges.set.bind(gauges);
  set('uptally_agent_info', 1, { version: productVersion(), source });
  set('uptally_agent_rounds_total', stats.readRounds, { result: 'read' });
  set('uptally_agent_rounds_total', stats.failedRounds, { result: 'failed' });
  if (stats.lastRoundAtMs !== null) set('uptally_agent_round_timestamp_seconds', stats.lastRoundAtMs / 1000);
  set('uptally_agent_seen', stats.seen);
  set('uptally_agent_metered', stats.metered);
  set('uptally_agent_state_only', stats.stateOnly);
  for (const reason of LEFT_OUT) set('uptally_agent_left_out', stats.leftOutReasons[reason], { reason });
  set('uptally_agent_samples_total', stats.spooledSamples, { result: 'spooled' });
  set('uptally_agent_samples_total', stats.acceptedSamples, { result: 'accepted' });
  set('uptally_agent_samples_total', stats.rejectedSamples, { result: 'rejected' });
  set('uptally_agent_samples_total', stats.droppedSamples, { result: 'dropped' });
  set('uptally_agent_batches_total', stats.sentBatches, { result: 'sent' });
  set('uptally_agent_batches_total', stats.setAsideBatches, { result: 'set_aside' });
  set('uptally_agent_batches_total', stats.droppedBatches, { result: 'dropped' });
  set('uptally_agent_batches_total', stats.unspooledBatches, { result: 'unspooled' });
  set('uptally_agent_batches_total', stats.droppedRejectedBatches, { result: 'rejected_dropped' });
  set('uptally_agent_send_failures_total', stats.failedAttempts);
  if (stats.lastSentAtMs !== null) set('uptally_agent_sent_timestamp_seconds', stats.lastSentAtMs / 1000);
  set('uptally_agent_spool_batches', stats.pendingBatches);
  set('uptally_agent_spool_samples', stats.pendingSamples);
  set('uptally_agent_rejected_batches', stats.rejectedBatches);
  set('uptally_agent_rejected_bytes', stats.rejectedBytes);
  return await gauges.text();
}

/** Serves `/metrics` without a key, so it belongs on the loopback. Rejects when the address can't be had. */
export async function serveMetrics(
  address: { readonly host: string; readonly port: number },
  text: () => Promise<string>,
): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url?.split('?', 1)[0] !== '/metrics') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('there is /metrics\n');
      return;
    }
    text().then(
      (body) => response.writeHead(200, { 'content-type': Registry.PROMETHEUS_CONTENT_TYPE }).end(body),
      () => response.writeHead(500).end(),
    );
  });
  server.requestTimeout = 5_000;
  server.headersTimeout = 5_000;
  server.maxConnections = 32;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address.port, address.host, resolve);
  });
  // It is no reason to go on when all else has ended.
  server.unref();
  return server;
}

/** Writes the metrics where node_exporter reads them, whole or not at all. */
export async function writeMetricsFile(path: string, text: string): Promise<void> {
  // Its collector takes files that end in .prom: a half of one must not.
  await writeFile(`${path}.new`, text, { mode: 0o644 });
  await rename(`${path}.new`, path);
}
