import type { FastifyReply, FastifyRequest } from 'fastify';
import { ProblemError } from '../../problems/problem.ts';

/** Documents in the forms that people read. */

/** The form that Accept asks for: of those there are the one it ranks highest, the first where it ranks none above. Throws `not_acceptable`. */
export function formAsked<F extends string>(request: FastifyRequest, forms: Readonly<Record<F, string>>, what: string): F {
  const accept = request.headers.accept ?? '*/*';
  const ranges = accept.split(',').map((part) => {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const q = parameters.find((text) => text.startsWith('q='));
    return { type, q: q === undefined ? 1 : Number(q.slice(2)) };
  });
  let best: { form: F; q: number } | undefined;
  for (const [form, type] of Object.entries(forms) as [F, string][]) {
    const exact = ranges.find((range) => range.type === type);
    const any =
      ranges.find((range) => range.type === `${type.split('/', 1)[0] ?? ''}/*`) ?? ranges.find((range) => range.type === '*/*');
    const q = (exact ?? any)?.q ?? 0;
    if (q > 0 && (best === undefined || q > best.q)) best = { form, q };
  }
  if (best === undefined) throw new ProblemError('not_acceptable', `${what} is ${Object.values(forms).join(', ')}`);
  return best.form;
}

/** A page that a browser shows, and does nothing else with. */
export function sendPage(reply: FastifyReply, html: string, policy: string): FastifyReply {
  return reply
    .type('text/html; charset=utf-8')
    .header('content-security-policy', `${policy}; frame-ancestors 'none'`)
    .header('x-content-type-options', 'nosniff')
    .send(html);
}

/** A PDF under a name of letters that every system takes. */
export function sendFile(reply: FastifyReply, pdf: Buffer, name: string): FastifyReply {
  return reply
    .type('application/pdf')
    .header('x-content-type-options', 'nosniff')
    .header('content-disposition', `inline; filename="${name}.pdf"`)
    .send(pdf);
}
