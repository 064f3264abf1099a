/** What can be wrong with a post to a source, whatever its protocol. */
export const POST_PROBLEMS = [
  'bad_request',
  'body_too_large',
  'too_many_samples',
  'source_unknown',
  'unsupported_media_type',
  'unsupported_encoding',
  'capacity_full',
  'replica_open',
  'store_unavailable',
  'log_corrupt',
  'log_unavailable',
  'shutting_down',
] as const;
