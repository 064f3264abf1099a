/** Posts of other senders on their way to the server, whose answers are those of their protocols. */
import { gunzip } from 'node:zlib';
import { promisify } from 'node:util';
import type { ApiClient, PostOutcome, Receipt } from '../client/wire/client.ts';
import { decodeRelayed, partsOfLines, type Relayed, relayPath } from './relayed.ts';

const gunzipAsync = promisify(gunzip);

/** Sends a record of the spool. Where something on the way takes less at once, lines go in halves; nothing else can be cut. */
export async function postRelayed(client: ApiClient, record: Uint8Array, signal?: AbortSignal): Promise<PostOutcome> {
  let post: Relayed;
  try {
    post = decodeRelayed(record);
  } catch (error) {
    const detail = `the record is damaged: ${error instanceof Error ? error.message : String(error)}`;
    return { kind: 'refused', because: 'final', status: 0, code: 'damaged', detail, receipt: null };
  }
  return await send(client, post, signal);
}

async function send(client: ApiClient, post: Relayed, signal?: AbortSignal): Promise<PostOutcome> {
  const outcome = await client.postAs(post.path, post.headers, post.body, signal);
  if (outcome.kind !== 'refused' || outcome.because !== 'too_large') return outcome;
  const halves = await halvesOf(post);
  if (halves === null) return { ...outcome, because: 'final' };
  let sum: Receipt = { accepted: 0, rejected: 0, errors: [] };
  for (const half of halves) {
    const one = await send(client, half, signal);
    // all of it goes again: what was taken counts once
    if (one.kind !== 'accepted') return one;
    const { accepted, rejected, errors } = one.receipt;
    sum = { accepted: sum.accepted + accepted, rejected: sum.rejected + rejected, errors: [...sum.errors, ...errors] };
  }
  return { kind: 'accepted', receipt: sum };
}

async function halvesOf({ path, headers, body }: Relayed): Promise<readonly Relayed[] | null> {
  if (relayPath(path.split('?')[0] ?? '')?.protocol !== 'influx') return null;
  const { 'content-encoding': encoding, ...rest } = headers;
  const plain = encoding === 'gzip' ? await gunzipAsync(body) : Buffer.from(body);
  const parts = [...partsOfLines(plain, Math.ceil(plain.length / 2))];
  return parts.length < 2 ? null : parts.map((part) => ({ path, headers: rest, body: part }));
}
