/**
 * All protocols in which samples come. The server of one process, the Kafka role and the ingest workers register this same list: a protocol is
 * added here, as a file or folder beside this one, and nowhere else.
 */
import { influxReceiver } from './influx/receiver.ts';
import { prometheusReceiver } from './prometheus/receiver.ts';
import type { Receiver } from './shared/receiver.ts';
import { samplesReceiver } from './samples.ts';

export const RECEIVERS: readonly Receiver[] = [samplesReceiver, prometheusReceiver, influxReceiver];
