/**
 * Every error an HTTP client can meet: its stable code, the status it comes with, its title and what it means.
 * A code is never reused for another meaning.
 */
export const PROBLEMS = {
  bad_request: {
    status: 400,
    title: 'The request cannot be understood',
    meaning: 'The request line, headers or body are not valid HTTP or JSON.',
  },
  invalid_body: { status: 400, title: 'The body is not valid', meaning: '`errors` names each field and what is wrong with it.' },
  invalid_parameter: {
    status: 400,
    title: 'A parameter is not valid',
    meaning: '`parameter` names it: missing, of the wrong form, or not aligned to the step.',
  },
  invalid_cursor: {
    status: 400,
    title: 'The cursor is not valid',
    meaning: 'It was not made by this query with these parameters; start again without it.',
  },
  range_too_long: { status: 400, title: 'The range is too long', meaning: 'Ask for a shorter range or a longer step.' },
  no_usable_sample: {
    status: 400,
    title: 'No sample could be used',
    meaning: 'Every sample was rejected, or there was none; `errors` says why.',
  },
  unauthorized: {
    status: 401,
    title: 'A valid key is needed',
    meaning: 'Send `Authorization: Bearer KEY` with a key that has not been revoked.',
  },
  forbidden: { status: 403, title: 'The key may not do this', meaning: "The key's role does not cover the call." },
  other_page: {
    status: 403,
    title: 'A page of another address asks',
    meaning:
      "A session's cookie is for pages of this address: what changes something says `X-Uptally: 1`, and its browser `Sec-Fetch-Site: same-origin`. Or send a key.",
  },
  not_found: { status: 404, title: 'There is no such path', meaning: 'The path belongs to no call of this API.' },
  vm_unknown: { status: 404, title: 'The VM is not known', meaning: 'Neither the catalog nor a sample has named it.' },
  account_unknown: { status: 404, title: 'The account is not known', meaning: 'The catalog has no account of this id.' },
  plan_unknown: { status: 404, title: 'The plan is not known', meaning: 'The catalog has no plan of this id.' },
  invoice_unknown: { status: 404, title: 'The invoice is not known', meaning: 'There is no invoice or credit note of this id.' },
  incident_unknown: { status: 404, title: 'The incident is not known', meaning: 'There is no incident of this id.' },
  silence_unknown: {
    status: 404,
    title: 'The silence is not known',
    meaning: 'No silence begins there any more, or none of this id was decided on so: late samples move and close silences.',
  },
  subscription_unknown: {
    status: 404,
    title: 'The subscription is not known',
    meaning: 'There is no webhook or mail subscription of this id, or it was taken away.',
  },
  notice_unknown: { status: 404, title: 'The notice is not known', meaning: 'No notice of this id is on record.' },
  key_unknown: { status: 404, title: 'The key is not known', meaning: 'There is no key of this id, or it has been revoked.' },
  portal_link_unknown: {
    status: 404,
    title: 'The portal link is not known',
    meaning: 'The account has no link of this id that could be used yet, or whose session could go on.',
  },
  event_unknown: { status: 404, title: 'The event is not known', meaning: 'The VM has no event of this id.' },
  terms_unknown: { status: 404, title: 'The terms sheet is not known', meaning: 'No terms sheet of this id is loaded.' },
  charge_unknown: { status: 404, title: 'The charge is not known', meaning: 'The account has no charge by hand of this id.' },
  refund_check_unknown: { status: 404, title: 'The refund check is not known', meaning: 'There is no refund check of this id.' },
  method_not_allowed: {
    status: 405,
    title: 'The path does not take this method',
    meaning: '`Allow` lists the methods it takes.',
  },
  not_acceptable: { status: 406, title: 'No representation is acceptable', meaning: 'The call has none of the types asked for.' },
  request_timeout: {
    status: 408,
    title: 'The request took too long to arrive',
    meaning: 'It was not complete within the time limit.',
  },
  silence_decided: {
    status: 409,
    title: 'The silence is decided already',
    meaning: 'Nothing of it is open, or somebody decided meanwhile; withdraw that decision to decide otherwise.',
  },
  subscriptions_full: {
    status: 409,
    title: 'There are as many subscriptions as there may be',
    meaning: 'Take some away: what one asks for can be more than one type, and of more than one account.',
  },
  catalog_conflict: {
    status: 409,
    title: 'The catalog does not allow the change',
    meaning: 'The change would leave another entry inconsistent; `detail` names it.',
  },
  invoice_conflict: {
    status: 409,
    title: 'The state of the invoices does not allow it',
    meaning: '`detail` says what stands against it: the status, another invoice of the period, or more than was paid.',
  },
  period_not_over: {
    status: 409,
    title: 'The period is not over, or was not when it was rated',
    meaning: 'Rate it again once it is, or ask for `allow_incomplete`: what is metered later is then corrected by reconciling.',
  },
  exchange_rate_missing: {
    status: 409,
    title: 'An amount is in another currency, and nobody said at which rate it is billed',
    meaning:
      "Record it with `rate`: what one unit of its currency is in the account's. Of a fee, withdraw the event and record it again so.",
  },
  nothing_to_bill: {
    status: 409,
    title: 'There is nothing to bill',
    meaning: 'The draft has no line: it would be a number of nothing.',
  },
  issuer_missing: {
    status: 409,
    title: 'Nobody is named as the issuer',
    meaning:
      'Final invoices are never edited: put `issuer.json` into the data folder and start again, or ask for `without_issuer`.',
  },
  plan_in_use: {
    status: 409,
    title: 'The plan has been invoiced',
    meaning:
      'A final invoice has used it: make a successor and put VMs on it from a date, or ask for `restate`, after a `dry_run` that says what reconciling would then correct.',
  },
  restates_invoices: {
    status: 409,
    title: 'The change would restate final invoices',
    meaning:
      '`invoices` says which: the change holds for time that was invoiced. Date it, or ask for `restate`, after a `dry_run` that says what reconciling would then correct.',
  },
  version_conflict: {
    status: 412,
    title: 'It has been changed since it was read',
    meaning: 'Its version is not the one of If-Match: read it again, and decide by what it says now.',
  },
  balance_conflict: {
    status: 409,
    title: 'The balance does not allow it',
    meaning: '`detail` says why: too little is there, another currency, or a refund that was booked before.',
  },
  nothing_to_grant: {
    status: 409,
    title: 'The refund check gives nothing to grant',
    meaning:
      '`detail` says why: the check is not eligible, its time or money was given back since, or the ledger has no payment for that time.',
  },
  line_holds_less: {
    status: 409,
    title: 'The line does not hold so much',
    meaning:
      '`holds` is what the line still holds, net: what it charged, less what credit notes and credits of its VM have taken back. Give back that much at most.',
  },
  reference_taken: {
    status: 409,
    title: 'The reference stands for something else',
    meaning:
      'The account has an entry under it of another kind, amount, instant or purpose; `entry` is its id. The same again would have been answered as it was.',
  },
  balance_bound: {
    status: 409,
    title: 'The terms keep the balance where it is',
    meaning: '`clause` is the clause by which it is not paid out or moved to another account.',
  },
  name_kept: {
    status: 409,
    title: 'The name is not forgotten',
    meaning: 'The catalog has or had the VM, or an event or incident names it: what is stored of it is evidence. Leave it out.',
  },
  request_running: {
    status: 409,
    title: 'The request is being carried out',
    meaning: 'Another request bears the same `Idempotency-Key` and is not answered yet: ask again in a moment.',
  },
  answer_not_kept: {
    status: 409,
    title: 'The request was carried out, and its answer is not there',
    meaning:
      'The process ended before its answer was kept, or it was too long, or is not there yet: `recorded` says what was recorded. Look at that; what is missing, ask for under another `Idempotency-Key`.',
  },
  last_admin_key: { status: 409, title: 'The last admin key cannot be revoked', meaning: 'Make another admin key first.' },
  idempotency_key_reused: {
    status: 422,
    title: 'The Idempotency-Key stands for another request',
    meaning: 'Within the last day it came with another method, path or body: each request wants a key of its own.',
  },
  body_too_large: {
    status: 413,
    title: 'The body is too large',
    meaning: 'It is above the limit for this call, before or after decompression.',
  },
  source_unknown: {
    status: 404,
    title: 'There is no such source',
    meaning: 'A source says what the series of a sender are: `PUT /v1/sources/{id}` makes one.',
  },
  source_conflict: {
    status: 409,
    title: 'The source cannot become so',
    meaning: 'It is of another protocol, or has as many versions as it may have.',
  },
  too_many_samples: { status: 413, title: 'There are too many samples', meaning: 'A request holds at most 50,000.' },
  uri_too_long: { status: 414, title: 'The address is too long', meaning: 'The path or a part of it is above its limit.' },
  unsupported_media_type: {
    status: 415,
    title: 'The content type is not supported',
    meaning: 'The call does not take this Content-Type.',
  },
  unsupported_encoding: {
    status: 415,
    title: 'The content encoding is not supported',
    meaning: 'Samples may be sent as they are or with gzip, the body of any other call as it is.',
  },
  expectation_failed: {
    status: 417,
    title: 'The expectation is not known',
    meaning: '`Expect` may be `100-continue` and nothing else.',
  },
  invalid_reference: {
    status: 422,
    title: 'The body refers to something that does not exist',
    meaning: '`errors` names the field and what it refers to.',
  },
  too_many_requests: {
    status: 429,
    title: 'Too much at once',
    meaning: 'Wait as long as Retry-After says, then send the same again.',
    retryAfterSeconds: 1,
  },
  headers_too_large: { status: 431, title: 'The headers are too large', meaning: 'They are above the limit.' },
  internal: {
    status: 500,
    title: 'Something went wrong here',
    meaning: 'A fault of this server; its log has the details under the request id.',
  },
  capacity_full: {
    status: 503,
    title: 'The capacity for VMs or interfaces is used up',
    meaning: 'New VMs or interfaces cannot be taken until UPTALLY_MAX_VMS or UPTALLY_MAX_NICS is raised.',
    retryAfterSeconds: 60,
  },
  replica_open: {
    status: 503,
    title: 'It is open which replica is heard',
    meaning:
      'Of two senders that tell the same, the one that was heard is silent: send the same again, until it speaks or the other is heard in its place.',
    retryAfterSeconds: 5,
  },
  log_corrupt: {
    status: 503,
    title: 'The log is damaged',
    meaning:
      'A record of the log cannot be read; nothing is taken until the operator has seen to it (docs/operating/log-identity.md). Send the same again later.',
    retryAfterSeconds: 60,
  },
  log_unavailable: {
    status: 503,
    title: 'The log did not confirm',
    meaning: 'Whether the batch is durable is unknown; send the same again.',
    retryAfterSeconds: 5,
  },
  store_unavailable: {
    status: 503,
    title: 'The database does not answer',
    meaning: 'Try again after Retry-After.',
    retryAfterSeconds: 5,
  },
  shutting_down: {
    status: 503,
    title: 'The server is going down',
    meaning: 'Send the same again to it or its successor.',
    retryAfterSeconds: 1,
  },
  not_ready: {
    status: 503,
    title: 'The server is not ready yet',
    meaning: 'It is starting or catching up.',
    retryAfterSeconds: 1,
  },
} as const satisfies Record<string, ProblemMeaning>;

/** What is said of a code. */
interface ProblemMeaning {
  readonly status: number;
  readonly title: string;
  readonly meaning: string;
  /** Of what passes: how long a client is asked to wait before it sends the same again. */
  readonly retryAfterSeconds?: number;
}

export type ProblemCode = keyof typeof PROBLEMS;

/** An error that is an answer: thrown anywhere below HTTP, written as `application/problem+json`. */
export class ProblemError extends Error {
  readonly code: ProblemCode;
  readonly status: number;
  readonly detail: string;
  readonly extra: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ProblemCode,
    detail: string,
    extra: Readonly<Record<string, unknown>> = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(`${code}: ${detail}`);
    this.name = 'ProblemError';
    this.code = code;
    this.status = PROBLEMS[code].status;
    this.detail = detail;
    this.extra = extra;
    this.headers = headersOf(code, headers);
  }
}

/** The headers of an answer, with the time to wait for where the code has one and they say no other. */
function headersOf(code: ProblemCode, headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { retryAfterSeconds }: ProblemMeaning = PROBLEMS[code];
  if (retryAfterSeconds === undefined || 'retry-after' in headers) return headers;
  return { ...headers, 'retry-after': String(retryAfterSeconds) };
}

/** The members of a problem document (RFC 9457). `type` is a relative reference into this server's own list of problems. */
export function problemBody(
  code: ProblemCode,
  detail: string,
  extra: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const { status, title } = PROBLEMS[code];
  return { type: `/problems#${code}`, title, status, code, detail, ...extra };
}
