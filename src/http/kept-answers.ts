import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { binaryText } from '../store/rowbinary.ts';
import type { Store } from '../store/store.ts';

/** An answer as it was sent. */
export interface KeptAnswer {
  /** When it was recorded what it answers: an id may come again after a day. */
  readonly atMs: number;
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** A longer answer is not kept: who asks again is told what was recorded. */
export const ANSWER_BYTES_MAX = 1024 * 1024;

const STRUCTURE = "id String, sealed String, kept_at DateTime64(3, 'UTC')";
const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Answers to requests that are carried out once, in the table `answers`. An answer may hold a secret that is shown once (a new key): it is sealed by the key that
 * asked, which is stored nowhere, so that whoever reads the table reads no answer.
 */
export class KeptAnswers {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Keeps an answer durably. @param secret the key that asked, as it was presented */
  async keep(id: string, secret: string, answer: KeptAnswer): Promise<void> {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, sealingKey(id, secret), nonce);
    const sealed = Buffer.concat([cipher.update(JSON.stringify(answer), 'utf8'), cipher.final()]);
    const text = Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64');
    const at = Buffer.alloc(8);
    // the machine's time, whatever the product goes by: the table lets rows expire by it
    at.writeBigInt64LE(BigInt(Date.now()));
    const row = Buffer.concat([binaryText(id), binaryText(text), at]);
    await this.#store.insertRowBinary('answers', STRUCTURE, [row]);
  }

  /** The answer that was kept last under an id; undefined if there is none that this key has sealed. */
  async find(id: string, secret: string): Promise<KeptAnswer | undefined> {
    const [row] = await this.#store.rows<{ sealed: string }>(
      'SELECT sealed FROM answers WHERE id = {id:String} ORDER BY kept_at DESC LIMIT 1',
      { id },
    );
    if (row === undefined) return undefined;
    const bytes = Buffer.from(row.sealed, 'base64');
    const decipher = createDecipheriv(CIPHER, sealingKey(id, secret), bytes.subarray(0, NONCE_BYTES));
    decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    try {
      const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8');
      return JSON.parse(text) as KeptAnswer;
    } catch {
      return undefined;
    }
  }
}

function sealingKey(id: string, secret: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, id, 'uptally: an answer that is kept', 32));
}
