import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type ProblemCode, problemBody, ProblemError, PROBLEMS } from '../problems/problem.ts';
import { StoreError } from '../store/store.ts';
import { toJson } from '../domain/json.ts';

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** Fastify's own errors, as ours. What is not listed goes by its status. */
const FASTIFY_CODES: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_MAX_PARAM_LENGTH: 'uri_too_long',
};

/** The problem that an error thrown by a route or by Fastify is answered with. */
export function problemOf(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof StoreError) {
    if (!error.retryable) return new ProblemError('internal', 'the database did not carry out the request');
    return new ProblemError('store_unavailable', 'the database does not answer');
  }
  const { code, statusCode, message } = (error ?? {}) as Partial<FastifyError>;
  const known = code === undefined ? undefined : FASTIFY_CODES[code];
  if (known !== undefined) return new ProblemError(known, message ?? known);
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new ProblemError('bad_request', message ?? 'the request is not valid');
  return new ProblemError('internal', 'the server failed to answer; its log says more');
}

export function sendProblem(reply: FastifyReply, problem: ProblemError): FastifyReply {
  return reply
    .code(problem.status)
    .headers(problem.headers)
    .type(PROBLEM_TYPE)
    .send(toJson(problemBody(problem.code, problem.detail, problem.extra)));
}

/** Makes every error that is thrown a problem document. */
export function installErrors(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => sendProblem(reply, notedProblem(error, request)));
}

/** The problem that an error is answered with; what concerns the operator is in the log. */
export function notedProblem(error: unknown, request: FastifyRequest): ProblemError {
  const problem = problemOf(error);
  // "not now" is an answer; the rest is a fault whose place is wanted
  if (problem.status === 503) request.log.warn({ reqId: request.id, code: problem.code }, problem.detail);
  else if (problem.status >= 500) request.log.error({ reqId: request.id, err: error }, problem.code);
  return problem;
}

/** An unknown path or a wrong method as a problem document, before a body is looked at: what it is of makes no difference. */
export function installNotFound(app: FastifyInstance, methodsOf: (path: string) => string[]): void {
  const problem = (request: FastifyRequest): ProblemError => {
    const path = request.url.split('?', 1)[0] ?? '';
    const methods = methodsOf(path);
    if (methods.length === 0) return new ProblemError('not_found', `there is nothing at ${path.slice(0, 200)}`);
    const allow = methods.join(', ');
    return new ProblemError('method_not_allowed', `${path} takes ${allow}`, {}, { allow });
  };
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.is404) done(problem(request));
    else done();
  });
  // what a route finds missing, such as a page of the documentation
  app.setNotFoundHandler((request, reply) => sendProblem(reply, problem(request)));
}

/** Answers what is not HTTP enough to reach a route, in the same form, and closes the connection. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const code: ProblemCode =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? 'request_timeout'
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? 'headers_too_large'
        : 'bad_request';
  endWith(socket, code);
}

/** A problem as the answer to a request that reaches no route. */
export function endResponse(response: ServerResponse, problem: ProblemError): void {
  const body = toJson(problemBody(problem.code, problem.detail, problem.extra));
  response.writeHead(problem.status, {
    ...problem.headers,
    'content-type': PROBLEM_TYPE,
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

/** The last answer on a connection that no route has, and its end. */
export function endWith(socket: Socket, code: ProblemCode): void {
  const { status, title } = PROBLEMS[code];
  const body = toJson(problemBody(code, title));
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nContent-Type: ${PROBLEM_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/** The page that the `type` of every problem points into. */
export function problemsPage(): string {
  const rows = Object.entries(PROBLEMS).map(
    ([code, { status, title, meaning }]) =>
      `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td><b>${title}</b><br>${meaning.replaceAll('`', '')}</td></tr>`,
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Uptally: problems</title>
<style>body{font:16px system-ui;margin:2rem auto;max-width:60rem}td{padding:.4rem 1rem;vertical-align:top;border-top:1px solid #ddd}tr:target{background:#ffc}</style>
<h1>Problems</h1><table>${rows.join('\n')}</table></html>`;
}
