/** OTLP's messages for protobufjs, which knows nothing of src/. */
import protobuf from 'protobufjs';

/** Written by hand after opentelemetry-proto, as far as the tests use it. */
export const OTLP = protobuf.parse(`
  syntax = "proto3";
  message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; bytes bytes_value = 7; } }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message NumberDataPoint { repeated KeyValue attributes = 7; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; oneof value { double as_double = 4; sfixed64 as_int = 6; } uint32 flags = 8; }
  message Gauge { repeated NumberDataPoint data_points = 1; }
  message Sum { repeated NumberDataPoint data_points = 1; int32 aggregation_temporality = 2; bool is_monotonic = 3; }
  message Histogram { int32 aggregation_temporality = 2; }
  message Metric { string name = 1; string description = 2; string unit = 3; Gauge gauge = 5; Sum sum = 7; Histogram histogram = 9; }
  message ScopeMetrics { repeated Metric metrics = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
  message Request { repeated ResourceMetrics resource_metrics = 1; }
  message Partial { int64 rejected = 1; string message = 2; }
  message Response { Partial partial_success = 1; }
`).root;
