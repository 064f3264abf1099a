/** Values that JSON Schemas allow, as far as our document uses them, and whether a value is one: written for `test/http/openapi-bodies.test.ts`. */
import fc from 'fast-check';

export type Schema = boolean | SchemaObject;

interface SchemaObject {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly not?: Schema;
  readonly if?: Schema;
  readonly then?: Schema;
  readonly else?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly propertyNames?: Schema;
  readonly additionalProperties?: Schema;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly format?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly uniqueItems?: boolean;
}

export interface Document {
  readonly paths: Readonly<
    Record<string, Record<string, { requestBody?: { content: Record<string, { schema: Schema } | undefined> } }>>
  >;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

function resolved(schema: SchemaObject, { components }: Document): Schema | undefined {
  return schema.$ref === undefined ? undefined : components.schemas[schema.$ref.split('/').at(-1) ?? ''];
}

/** Values of a schema's own shape. What several schemas say together (allOf, if) is left to `fits`. */
export function valueOf(schema: Schema, document: Document): fc.Arbitrary<unknown> {
  if (typeof schema === 'boolean') return fc.constantFrom(1, 'x', null);
  const other = resolved(schema, document);
  if (other !== undefined) return valueOf(other, document);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const either = schema.properties === undefined ? (schema.anyOf ?? schema.oneOf) : undefined;
  if (either !== undefined) return fc.oneof(...either.map((each) => valueOf(each, document)));
  const types = schema.type === undefined ? ['object'] : [schema.type].flat();
  return fc.oneof(...types.map((type) => ofType(type, schema, document)));
}

function ofType(type: string, schema: SchemaObject, document: Document): fc.Arbitrary<unknown> {
  switch (type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
    case 'number': {
      const least = schema.minimum ?? (schema.exclusiveMinimum === undefined ? -1000 : schema.exclusiveMinimum + 1);
      return fc.integer({ min: least, max: Math.min(schema.maximum ?? 1e9, Math.max(least, 1e12)) });
    }
    case 'string':
      return textOf(schema);
    case 'array': {
      const { items = true, minItems = 0, maxItems = 3 } = schema;
      const options = { minLength: minItems, maxLength: Math.min(maxItems, minItems + 3) };
      return fc.array(valueOf(items, document), options);
    }
    case 'object':
      return objectOf(schema, document);
    default:
      throw new Error(`not a type that this knows: ${type}`);
  }
}

function objectOf(schema: SchemaObject, document: Document): fc.Arbitrary<unknown> {
  const named = Object.entries(schema.properties ?? {}).filter(([, each]) => each !== false);
  if (named.length === 0 && typeof schema.additionalProperties === 'object') {
    const key =
      schema.propertyNames === undefined ? fc.string({ minLength: 1, maxLength: 5 }) : valueOf(schema.propertyNames, document);
    return fc.dictionary(key as fc.Arbitrary<string>, valueOf(schema.additionalProperties, document), { maxKeys: 3 });
  }
  const members = Object.fromEntries(named.map(([name, each]) => [name, valueOf(each, document)]));
  const requiredKeys = (schema.required ?? []).filter((name) => name in members);
  // few members beside those that are required: what goes with what is rarely met otherwise
  const rest = Object.keys(members).filter((name) => !requiredKeys.includes(name));
  return fc
    .subarray(rest, { maxLength: Math.min(rest.length, 4) })
    .chain((some) =>
      fc.record(Object.fromEntries([...requiredKeys, ...some].map((name) => [name, members[name] ?? fc.constant(null)]))),
    );
}

function textOf({ format, pattern, minLength = 0, maxLength = 30 }: SchemaObject): fc.Arbitrary<string> {
  if (format === 'date-time')
    return fc.date({ min: new Date(0), max: new Date('2099-12-31'), noInvalidDate: true }).map((date) => date.toISOString());
  const within = (text: string): boolean => text.length >= minLength && text.length <= maxLength;
  if (pattern === undefined) return fc.string({ minLength, maxLength: Math.min(maxLength, minLength + 20) });
  // what must not come first is left out, and looked at afterwards
  const whole = new RegExp(pattern, 'u');
  return fc
    .stringMatching(new RegExp(pattern.replace(/\(\?!(?:[^()]|\([^()]*\))*\)/, ''), 'u'))
    .filter((text) => whole.test(text) && within(text));
}

/** Whether a value is one that a schema allows. */
export function fits(value: unknown, schema: Schema, document: Document): boolean {
  if (typeof schema === 'boolean') return schema;
  const other = resolved(schema, document);
  if (other !== undefined) return fits(value, other, document);
  const of = (each: Schema): boolean => fits(value, each, document);
  if (schema.const !== undefined && value !== schema.const) return false;
  if (schema.enum !== undefined && !schema.enum.includes(value)) return false;
  if (schema.anyOf !== undefined && !schema.anyOf.some(of)) return false;
  if (schema.oneOf !== undefined && schema.oneOf.filter(of).length !== 1) return false;
  if (schema.allOf !== undefined && !schema.allOf.every(of)) return false;
  if (schema.not !== undefined && of(schema.not)) return false;
  if (schema.if !== undefined && !of((of(schema.if) ? schema.then : schema.else) ?? true)) return false;
  if (schema.type !== undefined && ![schema.type].flat().includes(typeName(value, schema.type))) return false;
  if (typeof value === 'string') return schema.pattern === undefined || new RegExp(schema.pattern, 'u').test(value);
  if (Array.isArray(value)) {
    if (schema.uniqueItems === true && new Set(value.map((each) => JSON.stringify(each))).size < value.length) return false;
    return value.every((each) => fits(each, schema.items ?? true, document));
  }
  return typeof value !== 'object' || value === null || hasMembers(value as Record<string, unknown>, schema, document);
}

function hasMembers(value: Record<string, unknown>, schema: SchemaObject, document: Document): boolean {
  if (schema.required?.some((name) => !(name in value)) === true) return false;
  return Object.entries(value).every(([name, member]) =>
    fits(member, schema.properties?.[name] ?? schema.additionalProperties ?? true, document),
  );
}

function typeName(value: unknown, asked: SchemaObject['type']): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return [asked].flat().includes('integer') && Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}
