import { createHmac } from 'node:crypto';

const PREFIX = 'whsec_';
const BYTES_LEAST = 24;

/** A secret of Standard Webhooks out of random bytes of the caller's. */
export function newSecret(bytes: Uint8Array): string {
  if (bytes.length < BYTES_LEAST) throw new Error(`a secret has at least ${BYTES_LEAST} bytes`);
  return PREFIX + Buffer.from(bytes).toString('base64');
}

/** `webhook-signature`: one `v1` for each secret, so that a receiver may know either while one is replaced by the other. */
export function signatureOf(secrets: readonly string[], id: string, timestampS: number, body: string): string {
  const content = `${id}.${timestampS}.${body}`;
  return secrets
    .map((secret) => {
      const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
      return `v1,${createHmac('sha256', key).update(content, 'utf8').digest('base64')}`;
    })
    .join(' ');
}
