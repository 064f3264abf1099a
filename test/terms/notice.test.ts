import { describe, expect, it } from 'vitest';
import { TermsError } from '../../src/terms/library.ts';
import { libraryWith } from '../support/own-terms.ts';

/** A sheet may ask for notice of changes: a version that was announced too late is refused (SPEC §6a). */
const version = (n: number, from: string, more: object = {}) => ({ id: 's', version: n, effective_from: from, ...more });
const faultsOf = (...sheets: Parameters<typeof libraryWith>[0]): readonly string[] => {
  try {
    libraryWith(sheets);
    return [];
  } catch (error) {
    if (error instanceof TermsError) return error.faults;
    throw error;
  }
};

describe('with 30 days of notice', () => {
  const first = version(1, '2026-01-01T00:00:00Z', { notice_days: 30 });

  it('a version that was announced 30 days before its beginning is taken', () => {
    expect(faultsOf(first, version(2, '2026-05-01T00:00:00Z', { announced_at: '2026-04-01T00:00:00Z' }))).toEqual([]);
  });

  it('one that was announced a second too late is refused, naming the earliest beginning', () => {
    expect(faultsOf(first, version(2, '2026-05-01T00:00:00Z', { announced_at: '2026-04-01T00:00:01Z' }))).toEqual([
      "s: effective_from: s asks for 30 days' notice of changes; announced at 2026-04-01T00:00:01Z, version 2 can begin at 2026-05-01T00:00:01Z, no earlier",
    ]);
  });

  it('one that does not say when it was announced is refused, also where it no longer asks for notice itself', () => {
    for (const more of [{}, { notice_days: 0 }, { notice_days: null }])
      expect(faultsOf(first, version(2, '2027-01-01T00:00:00Z', more))).toEqual([
        "s: announced_at: s asks for 30 days' notice of changes, so say when version 2 was announced",
      ]);
  });

  it('the first version changes nothing, and a sheet that asks for none takes any', () => {
    expect(faultsOf(first)).toEqual([]);
    expect(faultsOf(version(1, '2026-01-01T00:00:00Z'), version(2, '2026-01-02T00:00:00Z'))).toEqual([]);
  });

  it('a version that is the first to ask keeps to it', () => {
    const second = { announced_at: '2026-04-01T00:00:00Z', notice_days: 31 };
    expect(faultsOf(version(1, '2026-01-01T00:00:00Z'), version(2, '2026-05-01T00:00:00Z', second))).toHaveLength(1);
  });
});
