import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { documentText, instant } from '../../src/domain/shapes.ts';
import { accountBody } from '../../src/catalog/bodies.ts';
import { keyRequest } from '../../src/catalog/keys.ts';
import { currency, decimal, planBody, timeZone } from '../../src/domain/plan.ts';
import { openApiDocument } from '../../src/http/openapi.ts';
import { rangeQuery } from '../../src/api/shared/window.ts';

/** The patterns of a schema as the document has it: a text that fits any of them fits the schema. */
function patternsOf(schema: z.ZodType): RegExp[] {
  const texts: string[] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, member] of Object.entries(value)) if (name === 'pattern') texts.push(String(member));
    for (const member of Object.values(value)) walk(member);
  };
  walk(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
  return texts.map((text) => new RegExp(text, 'u'));
}

const ROWS: readonly (readonly [what: string, schema: z.ZodType, texts: readonly string[]])[] = [
  ['decimal', decimal, ['0', '0.5', '12.30', '1.123456789', '1.1234567890', '', '-1', '+1', '01', '1.', '.5', '1e3', '1 ', '١']],
  ['price', planBody.shape.price.shape.amount, ['0', '99999999', '99999999.999999999', '100000000', '100000000.1', '1000000000']],
  ['tax', accountBody.shape.tax_percent, ['0', '5', '19.5', '99.999', '100', '100.00', '100.1', '101', '1000', '-5', '00']],
  ['instant', instant, ['2026-03-01T00:00:00Z', '2026-03-01t00:00:00.5+08:00', '1969-12-31T00:00:00Z', '2100-01-01T00:00:00Z', '2026-03-01', '2026-03-01T00:00:00', 'now']],
  ['one line', documentText(9, false), ['A', 'é漢', 'a\nb', 'a\tb', 'a\u0000', 'a\u007f', 'a\u0085']],
  ['lines', documentText(9, true), ['A', 'a\nb', 'a\tb', 'a\r\nb', 'a\u009f']],
  ['language', accountBody.shape.language, ['en', 'zh-TW', 'zh-Hant-TW', 'e', 'EN', 'en_US', 'en-']],
]; // prettier-ignore

describe('what the document says of a text is what is taken', () => {
  it.each(ROWS)('%s', (_, schema, texts) => {
    const patterns = patternsOf(schema);
    expect(patterns.length).toBeGreaterThan(0);
    const saysSo = texts.filter((text) => patterns.some((pattern) => pattern.test(text)));
    expect(saysSo).toEqual(texts.filter((text) => schema.safeParse(text).success));
  });

  it('lists that are long stand once, and what they list is taken', () => {
    const document = openApiDocument(
      [{ method: 'POST', path: '/x', tag: 'x', summary: 'x', roles: null, body: { 'application/json': planBody }, answers: {}, problems: [] }],
      '1',
    ) as { components: { schemas: Record<'Currency' | 'TimeZone', { enum: string[] }> } }; // prettier-ignore
    const { Currency, TimeZone } = document.components.schemas;
    expect(Currency.enum.filter((code) => !currency.safeParse(code).success)).toEqual([]);
    expect(TimeZone.enum.filter((zone) => !timeZone.safeParse(zone).success)).toEqual([]);
    expect(JSON.stringify(document)).toContain('"currency":{"examples":["CNY"],"$ref":"#/components/schemas/Currency"}');
  });

  it('what only a cursor can stand for is required, the rest is not', () => {
    const document = JSON.stringify(
      openApiDocument([{ method: 'GET', path: '/x', tag: 'x', summary: 'x', roles: null, query: z.strictObject(rangeQuery), answers: {}, problems: [] }], '1'),
    ); // prettier-ignore
    expect([...document.matchAll(/"name":"(\w+)","in":"query","required":(\w+)/g)].map(([, name, required]) => [name, required])).toEqual([
      ['from', 'true'],
      ['to', 'true'],
      ['limit', 'false'],
      ['cursor', 'false'],
    ]); // prettier-ignore
    expect(document).not.toContain('x-required');
  });

  it('an agent names VMs, other roles need not', () => {
    const schema = z.toJSONSchema(keyRequest, { io: 'input' });
    expect(schema).toMatchObject({ if: { properties: { role: { const: 'agent' } } }, then: { required: ['vms'] } });
    expect(keyRequest.safeParse({ role: 'agent', name: 'x', vms: [] }).success).toBe(false);
    expect(keyRequest.safeParse({ role: 'billing', name: 'x' }).success).toBe(true);
  });
});
