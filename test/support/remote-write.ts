/** Remote write's messages, written by protobufjs and packed by snappy: senders that know nothing of src/. */
import protobuf from 'protobufjs';
import { compressSync } from 'snappy';

const VERSION_1 = protobuf
  .parse(
    `
  syntax = "proto3";
  message Label { string name = 1; string value = 2; }
  message Sample { double value = 1; int64 timestamp = 2; }
  message Exemplar { repeated Label labels = 1; double value = 2; int64 timestamp = 3; }
  message Histogram { uint64 count_int = 1; int64 timestamp = 15; }
  message TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; repeated Exemplar exemplars = 3; repeated Histogram histograms = 4; }
  message MetricMetadata { int32 type = 1; string metric_family_name = 2; string help = 4; }
  message WriteRequest { repeated TimeSeries timeseries = 1; repeated MetricMetadata metadata = 3; }
`,
  )
  .root.lookupType('WriteRequest');

const VERSION_2 = protobuf
  .parse(
    `
  syntax = "proto3";
  message Sample { double value = 1; int64 timestamp = 2; int64 start_timestamp = 3; }
  message Exemplar { repeated uint32 labels_refs = 1; double value = 2; int64 timestamp = 3; }
  message Histogram { uint64 count_int = 1; int64 timestamp = 15; }
  message TimeSeries { repeated uint32 labels_refs = 1; repeated Sample samples = 2; repeated Histogram histograms = 3; repeated Exemplar exemplars = 4; int64 created_timestamp = 6; }
  message Request { repeated string symbols = 4; repeated TimeSeries timeseries = 5; }
`,
  )
  .root.lookupType('Request');

export interface SentSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly (readonly [value: number, timestamp: number])[];
  readonly histograms?: number;
  readonly exemplars?: number;
  readonly createdMs?: number;
}

/** Labels in the order of their names. */
function sorted(labels: SentSeries['labels']): [string, string][] {
  return Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** A WriteRequest, unpacked. */
export function version1(series: readonly SentSeries[]): Buffer {
  const message = {
    timeseries: series.map(({ labels, samples, histograms = 0, exemplars = 0 }) => ({
      labels: sorted(labels).map(([name, value]) => ({ name, value })),
      samples: samples.map(([value, timestamp]) => ({ value, timestamp })),
      exemplars: Array.from({ length: exemplars }, () => ({ labels: [], value: 1, timestamp: 1 })),
      histograms: Array.from({ length: histograms }, () => ({ countInt: 1, timestamp: 1 })),
    })),
    metadata: [{ type: 1, metricFamilyName: 'x', help: 'y' }],
  };
  return Buffer.from(VERSION_1.encode(VERSION_1.fromObject(message)).finish());
}

/** A Request of remote write 2.0, unpacked. `refs` has places of labels instead of what the labels would be. */
export function version2(series: readonly (SentSeries & { readonly refs?: readonly number[] })[]): Buffer {
  const symbols = [''];
  const place = (text: string): number => {
    const known = symbols.indexOf(text);
    return known >= 0 ? known : symbols.push(text) - 1;
  };
  const timeseries = series.map(({ labels, refs, samples, histograms = 0, exemplars = 0, createdMs = 0 }) => ({
    labelsRefs: refs ?? sorted(labels).flatMap(([name, value]) => [place(name), place(value)]),
    samples: samples.map(([value, timestamp]) => ({ value, timestamp })),
    exemplars: Array.from({ length: exemplars }, () => ({ labelsRefs: [], value: 1, timestamp: 1 })),
    histograms: Array.from({ length: histograms }, () => ({ countInt: 1, timestamp: 1 })),
    createdTimestamp: createdMs,
  }));
  return Buffer.from(VERSION_2.encode(VERSION_2.fromObject({ symbols, timeseries })).finish());
}

export function packed(message: Uint8Array): Buffer {
  return compressSync(message);
}

/** How many samples (and floats alone) another reader finds in a message; undefined where it is none. */
export function samplesIn(version: 1 | 2, message: Uint8Array): number | undefined {
  try {
    const read = (version === 1 ? VERSION_1 : VERSION_2).decode(message) as unknown as {
      readonly timeseries: readonly { readonly samples: readonly unknown[] }[];
    };
    return read.timeseries.reduce((sum, { samples }) => sum + samples.length, 0);
  } catch {
    return undefined;
  }
}
