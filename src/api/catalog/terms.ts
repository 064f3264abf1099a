import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { formatInstant } from '../../domain/instant.ts';
import { identifier } from '../../domain/plan.ts';
import { ProblemError } from '../../problems/problem.ts';
import { oneFieldProblem } from '../../problems/field-problems.ts';
import type { LoadedSheet, TermsLibrary } from '../../terms/library.ts';
import type { Api } from '../../http/api.ts';
import { customerOf } from '../../http/customer.ts';
import type { ApiContext } from '../shared/context.ts';
import { sheetsSeenBy } from '../shared/customers-own.ts';
import { idParams, instantShape } from '../shared/shapes.ts';

const READERS = ['billing', 'admin'] as const;

const versionShape = z.object({
  id: identifier,
  version: z.int(),
  effective_from: instantShape,
  effective_until: instantShape.nullable(),
  title: z.string(),
  document: z.string(),
});

function versionJson({ sheet }: LoadedSheet): Record<string, unknown> {
  const { id, version, effective_from, effective_until, title, document } = sheet;
  return {
    id,
    version,
    effective_from: formatInstant(effective_from),
    effective_until: effective_until === null ? null : formatInstant(effective_until),
    title,
    document,
  };
}

/** The terms sheets that the server knows. They are files, read at its start. */
export function termsRoutes(api: Api, { termsLibrary: library, catalog }: ApiContext): void {
  /** The ids of the sheets that whoever asks may know of. */
  const idsFor = (request: FastifyRequest): string[] => {
    const customer = customerOf(request);
    if (customer === undefined) return library.ids();
    const own = sheetsSeenBy(catalog, customer);
    return library.ids().filter((id) => own.has(id));
  };
  api.route(
    {
      method: 'GET',
      path: '/v1/terms',
      tag: 'billing',
      summary: 'The terms sheets that are loaded, with their versions',
      roles: READERS,
      customer: { by: 'handler' },
      answers: { 200: { description: 'By id and version', schema: z.object({ rows: z.array(versionShape) }) } },
      problems: [],
    },
    ({ request }) => Promise.resolve({ rows: idsFor(request).flatMap((id) => library.versions(id).map(versionJson)) }),
  );
  api.route(
    {
      method: 'GET',
      path: '/v1/terms/{id}',
      tag: 'billing',
      summary: 'A terms sheet, every version as it is written',
      roles: READERS,
      customer: { by: 'handler' },
      params: idParams,
      answers: {
        200: {
          description: 'Its versions, ascending',
          schema: z.object({ id: identifier, versions: z.array(z.looseObject({})) }),
        },
      },
      problems: ['invalid_parameter', 'terms_unknown'],
    },
    ({ params: { id }, request }) => {
      const ids = idsFor(request);
      if (!ids.includes(id))
        throw new ProblemError('terms_unknown', `there is no terms sheet ${id}; loaded are ${ids.join(', ')}`);
      return Promise.resolve({ id, versions: library.versions(id).map((loaded) => loaded.json) });
    },
  );
}

/** Throws `invalid_reference` naming the field if a plan or a VM names a terms sheet that is not loaded. */
export function checkTermsNamed(library: TermsLibrary, id: string | null, field = 'terms'): void {
  if (id === null || library.versions(id).length > 0) return;
  throw oneFieldProblem('invalid_reference', field, `there is no terms sheet ${id}; loaded are ${library.ids().join(', ')}`);
}
