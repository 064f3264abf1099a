/** What the document says of bodies is what is taken: bodies made of its schemas alone are refused for nothing that a schema can say. */
import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { ADMIN, callOf, openCatalog, serverOn } from '../support/api.ts';
import { type Document, fits, type Schema, valueOf } from '../support/json-schema.ts';

/** A store that has nothing and takes everything. */
const store: Store = {
  command: () => Promise.resolve(),
  rows: () => Promise.resolve([]),
  ndjson: () => Promise.resolve(new Uint8Array()),
  insertRowBinary: () => Promise.resolve(),
  claim: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

/** What compares fields, counts digits of a currency or reads a language of its own: no schema says it. */
const BESIDE_SCHEMAS = [
  /must (be after|not be below|not be before|not lie in the future)|of this job's zones that is over/,
  /the last tier, and only it|the upper bounds must ascend/,
  /more digits than|must be an amount of [A-Z]{3}|goes with another currency/,
  /must not (have two of the same|name a type twice|be from|have user)|must have no user|must be a URL|is staff’s business/,
  // only agents post
  /at least one VM or pattern for the role agent/,
  /must name an account for the role customer|at least one VM or pattern, or be left out/,
  /there is no (clause|preset|sheet|ground)/,
  // what a sheet contradicts itself in (src/terms/contradictions.ts)
  /is named by no rule|must descend|is below the credit of|credit never exceeds|must be an ISO 4217/,
  /brace|expression|label|template/,
  /is missing, and no preset gives it|must be longer than interval_s|must be at least twice interval_s/,
];

/** Where senders post in their own protocols. */
const SENDERS = /^\/(?:v1\/samples$|v1\/receive\/|v1\/metrics$|api\/)/;

let app: FastifyInstance;
let document: Document;
let calls: { method: string; path: string; schema: Schema }[];

beforeAll(async () => {
  app = await serverOn(store, await openCatalog(store, () => 0));
  document = (await callOf(app, null)('GET', '/openapi.json')).body as unknown as Document;
  calls = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, { requestBody }]) => {
      const schema = requestBody?.content['application/json']?.schema;
      // samples are judged one by one, and senders' bodies are their protocols'
      const isOurs = schema !== undefined && !SENDERS.test(path);
      return isOurs ? [{ method: method.toUpperCase(), path, schema }] : [];
    }),
  );
});
afterAll(() => app.close());

it('a body that fits its schema is refused for what no schema can say alone', async () => {
  expect(calls.length).toBeGreaterThan(20);
  const wrong = new Map<string, string>();
  for (const { method, path, schema } of calls) {
    const bodies = fc.sample(valueOf(schema, document), { numRuns: 60, seed: 7 }).filter((body) => fits(body, schema, document));
    expect(bodies.length, `${method} ${path}`).toBeGreaterThan(0);
    for (const body of bodies) {
      const answer = await app.inject({
        method: method as 'POST',
        url: path.replace('{job}', 'reconcile').replaceAll(/\{\w+\}/g, 'x'),
        headers: { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json' },
        payload: JSON.stringify(body),
      });
      if (answer.statusCode < 500 && answer.statusCode !== 400) continue;
      const problem = answer.json<{ detail: string; errors?: { field: string; message: string }[] }>();
      for (const { field, message } of problem.errors ?? [{ field: '', message: problem.detail }])
        if (!BESIDE_SCHEMAS.some((pattern) => pattern.test(message)))
          wrong.set(`${method} ${path} ${field.replaceAll(/\d+/g, 'N')}: ${message}`, JSON.stringify(body).slice(0, 300));
    }
  }
  expect(Object.fromEntries(wrong)).toEqual({});
}, 300_000);
