import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { identityOf, identityRecord, isLogId, newLogId } from '../../src/log/identity.ts';
import { tickRecord } from '../../src/log/record.ts';

describe('the record that says which log this is', () => {
  it('is read as it was written, and no other record is taken for one', () => {
    const identity = { logId: newLogId(randomBytes), createdMs: 1772323200000, adoptedFrom: new Uint8Array(randomBytes(32)) };
    const record = identityRecord(identity);
    expect(identityOf(record)).toEqual(identity);
    expect(identityOf(record.subarray(0, record.length - 1))).toBeUndefined();
    expect(identityOf(tickRecord(0, []))).toBeUndefined();
  });

  it('holds only an id of 32 lower-case hex digits', () => {
    expect(isLogId(newLogId(randomBytes))).toBe(true);
    for (const wrong of ['', 'G'.repeat(32), 'A'.repeat(32), 'a'.repeat(31)]) {
      expect(isLogId(wrong)).toBe(false);
      expect(() => identityRecord({ logId: wrong, createdMs: 0, adoptedFrom: new Uint8Array(32) })).toThrow('identifies no log');
    }
  });
});
