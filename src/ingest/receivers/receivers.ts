/**
 * All protocols in which samples come. The server of one process, the Kafka role and the ingest workers register this same list: a protocol is
 * added here, as a file or folder beside this one, and nowhere else.
 */
import { ceilometerReceiver } from './ceilometer/receiver.ts';
import { cloudeventsReceiver } from './cloudevents/receiver.ts';
import { collectdReceiver } from './collectd/receiver.ts';
import { influxReceiver } from './influx/receiver.ts';
import { otlpReceiver } from './otlp/receiver.ts';
import { prometheusReceiver } from './prometheus/receiver.ts';
import { samplesReceiver } from './samples.ts';
import type { Receiver } from './shared/receiver.ts';

export const RECEIVERS: readonly Receiver[] = [
  samplesReceiver,
  prometheusReceiver,
  influxReceiver,
  otlpReceiver,
  cloudeventsReceiver,
  collectdReceiver,
  ceilometerReceiver,
];
