import { type Constant, constantsUnder } from './constants.ts';
import { grouped, item, page, sentence } from './markdown.ts';

/** What a caller meets: what is bounded, where the number stands, and what is answered beyond it. `{}` is the number. */
const MET: readonly (readonly [what: string, constant: string, limit: string, answer: string])[] = [
  [
    'a body of samples',
    'src/kernel/decoder.ts#BODY_BYTES_MAX',
    '{}, as sent and inflated',
    '413 `body_too_large`, while it comes in',
  ],
  ['samples a request', 'src/kernel/decoder.ts#SAMPLES_MAX', '{}', '413 `too_many_samples`'],
  ['errors told one by one', 'src/problems/field-problems.ts#FIELD_ERRORS_MAX', '{} a request', 'the rest is counted'],
  ['other bodies', 'src/http/bare-server.ts#HTTP_LIMITS.bodyBytesMax', '{}', '413 `body_too_large`'],
  [
    'requests with an `Idempotency-Key` that are remembered',
    'src/http/idempotency.ts#ONCE_OF_KEY_MAX',
    '{} of a key, for 24 hours',
    '429 `too_many_requests`',
  ],
  [
    'an answer that is kept for who asks again',
    'src/http/kept-answers.ts#ANSWER_BYTES_MAX',
    '{}',
    '409 `answer_not_kept`, with what was recorded',
  ],
  ['depth of JSON', 'src/http/json-bounds.ts#JSON_DEPTH_MAX', '{} levels', '400 `bad_request`'],
  ['headers of a request', 'src/http/bare-server.ts#HTTP_LIMITS.headerBytesMax', '{}', '431, or the connection is closed'],
  ['time for headers', 'src/http/bare-server.ts#HTTP_LIMITS.headersTimeoutMs', '{}', '408, or the connection is closed'],
  ['time for a request', 'src/http/bare-server.ts#HTTP_LIMITS.requestTimeoutMs', '{}', '408 `request_timeout`'],
  [
    'time after the last answer',
    'src/http/bare-server.ts#HTTP_LIMITS.lingerMs',
    '{}',
    'the connection is closed, whatever its client does',
  ],
  [
    'bytes of an answer that a client takes',
    'src/http/bare-server.ts#HTTP_LIMITS.readBytesMin',
    '{} in 30 s, where it waits for the client',
    'the connection is closed',
  ],
  [
    'connections',
    'src/http/connections.ts#CONNECTIONS_MAX',
    '{}, or three quarters of the open files that the process may have, less 64; `UPTALLY_MAX_CONNECTIONS`',
    'the oldest without a key is closed, or else of the key that has most',
  ],
  [
    'bodies of samples in memory at once',
    'src/ingest/body.ts#BODIES_BYTES_MAX',
    '{}, shared out among workers; a key has a quarter',
    '429 with Retry-After',
  ],
  [
    'bodies of other calls in memory at once',
    'src/http/body-budget.ts#CALL_BODIES_BYTES_MAX',
    '{}; a key has a quarter, and so have all without one together',
    '429 with Retry-After',
  ],
  [
    'frames under way from a worker',
    'src/ingest/workers/main-link.ts#IN_FLIGHT_BYTES_MAX',
    '{} and one request',
    '429 with Retry-After',
  ],
  ['deaths of ingest workers', 'src/ingest/workers/pool.ts#DEATHS_MAX', '{} in a minute', 'the server stops with an error'],
  ['samples that wait for the aggregator', 'src/ingest/door.ts#LAG_SAMPLES_MAX', '{}, on disk', '429 with Retry-After'],
  [
    'minutes that samples far from those before them write in a step',
    'src/aggregate/aggregator.ts#MINUTES_A_STEP_MAX',
    '{}',
    'their VMs wait for repair, as `waiting` in /v1/status says',
  ],
  [
    'minutes written in a slice of repair',
    'src/aggregate/repair-context.ts#SLICE_MINUTES_MAX',
    '{}',
    "the rest is written in the next slices, and others' samples are stored between them",
  ],
  [
    'samples read in a slice of repair',
    'src/aggregate/repair-context.ts#SLICE_SAMPLES_MAX',
    '{} and those of one minute of a VM',
    'as above',
  ],
  ['log kept on disk', 'src/log/embedded-log.ts#DEFAULTS.keptBytesMax', '{}', '503 with Retry-After, until it is trimmed'],
  ['bytes on their way to the brokers', 'src/log/kafka/writer.ts#PENDING_BYTES_MAX', '{} a process', '503 with Retry-After'],
  [
    'an acknowledgement of the brokers',
    'src/log/kafka/writer.ts#DEADLINE_MS',
    '{}',
    '503 with Retry-After, at once until a tick goes through',
  ],
  ['patterns of a key', 'src/kernel/decoder.ts#PATTERNS_MAX', '{} of 64 characters', '400 `invalid_body`'],
  [
    'subscriptions to notices',
    'src/notices/subscriptions/subscription-book.ts#SUBSCRIPTIONS_MAX',
    '{}',
    '409 `subscriptions_full`',
  ],
  ['an answer of a webhook’s receiver', 'src/notices/webhook/post.ts#ANSWER_BYTES_MAX', '{}', 'it is cut: its status counts'],
  ['rows of a page', 'src/api/shared/window.ts#PAGE_ROWS_MAX', '{}', 'a `next` cursor'],
  ['months of a backtest', 'src/billing/backtest/period.ts#MONTHS_MAX', '{}', '400 `invalid_body`'],
  ['VM-months of a backtest', 'src/api/billing/backtests.ts#VM_MONTHS_MAX', '{} a call', 'a `next` cursor'],
  ['accounts a call of a run', 'src/api/billing/invoice-runs.ts#ACCOUNTS_MAX', '{}', 'a `next` cursor'],
];

/** `8 MiB`, `15 s`, `50,000`: by what the name says its unit is. */
function shown({ name, value }: Constant): string {
  if (/bytes/i.test(name)) {
    const [unit, size] = (
      [
        ['GiB', 2 ** 30],
        ['MiB', 2 ** 20],
        ['KiB', 2 ** 10],
      ] as const
    ).find(([, size]) => value >= size && value % size === 0) ?? ['bytes', 1];
    return `${(value / size).toLocaleString('en')} ${unit}`;
  }
  if (/_MS(_|$)|Ms$|^DEADLINE/.test(name)) {
    return value >= 1000 ? `${(value / 1000).toLocaleString('en')} s` : `${value} ms`;
  }
  return value.toLocaleString('en');
}

export async function limitsPage(): Promise<string> {
  const constants = constantsUnder('src');
  const byName = new Map(constants.map((constant) => [`${constant.file}#${constant.name}`, constant]));
  const met = MET.map(([what, where, limit, answer]) => {
    const constant = byName.get(where);
    if (constant === undefined) throw new Error(`${where} is not there: mend the table in test/docs/pages/limits.ts`);
    return item(`**${what}**: ${limit.replace('{}', shown(constant))}. Beyond it: ${answer}.`);
  });
  const bounds = constants.filter(({ name }) => /_MAX(_|$)/.test(name));
  return await page('Limits', "the sources' named constants", [
    'Every limit has a name, a bound and a clear error. Memory does not grow with traffic.',
    '',
    '## What a caller meets',
    '',
    ...met,
    '',
    'Set by whoever runs it ([configuration](configuration.md)):',
    '',
    item('**VMs and interfaces**: `UPTALLY_MAX_VMS`, `UPTALLY_MAX_NICS`. Beyond it: 503 `capacity_full`; known VMs go on.'),
    item(
      '**VMs of a partition**: `UPTALLY_MAX_VMS`, the same for doors and aggregators. Beyond it: 503 `capacity_full`; known VMs go on.',
    ),
    item('**age of a sample**: `UPTALLY_RETENTION_DAYS`. Beyond it: the sample is rejected, `ts_too_old`.'),
    '',
    'Instants lie between 1970 and 2099.',
    '',
    '## Every bound in the code',
    '',
    'Constants whose name says that they are a maximum, by file.',
    ...[...grouped(bounds, ({ file }) => file)].flatMap(([file, of]) => [
      '',
      `### \`${file}\``,
      '',
      ...of.map((constant) =>
        item(`\`${constant.name}\`: ${shown(constant)}${constant.comment === '' ? '' : `. ${sentence(constant.comment)}`}`),
      ),
    ]),
  ]);
}
