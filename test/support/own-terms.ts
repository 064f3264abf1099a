import { loadTerms, parseSheet, shippedTermsFolder, TermsLibrary } from '../../src/terms/library.ts';

/** What a sheet of a test says besides its credit. */
export type OwnSheet = Readonly<Record<string, unknown>> & { readonly id: string };

/** The shipped sheets and a test's own, of which each says only what matters: one clause `c`, no refunds. */
export function libraryWith(own: readonly OwnSheet[]): TermsLibrary {
  const shipped = loadTerms([shippedTermsFolder()]);
  const loaded = own.map((sheet) => {
    const whole = {
      version: 1,
      effective_from: 0,
      title: sheet.id,
      document: 'made up',
      clauses: { c: { says: 'The only clause of this sheet.', place: '1' } },
      credit: { kind: 'none', clause: 'c' },
      refund: { destination: 'balance', destination_clause: 'c', grounds: [], bars: [] },
      ...sheet,
    };
    const parsed = parseSheet(JSON.stringify(whole), sheet.id);
    if (!('sheet' in parsed)) throw new Error(parsed.join('\n'));
    return parsed;
  });
  return new TermsLibrary([...shipped.ids().flatMap((id) => shipped.versions(id)), ...loaded]);
}
