import { grouped, item, page, wrapped } from './markdown.ts';

interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
}
interface Call {
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly 'x-roles'?: readonly string[];
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly description?: string;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Readonly<Record<string, unknown>> }>
  >;
}
export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Call>>>>;
}

const about = (text: string | undefined): string => (text === undefined || text === '' ? '' : `: ${text}`);

/** The first level of a body that is an object; what is deeper is in /openapi.json. */
function fieldsOf(schema: Schema): string[] {
  return Object.entries(schema.properties ?? {}).map(([name, field]) => {
    const required = schema.required?.includes(name) === true ? '' : ' (optional)';
    return `  ${wrapped(`\`${name}\`${required}${about(field.description)}`, '- ', '    ')}`;
  });
}

function callLines(method: string, path: string, call: Call): string[] {
  const roles = call['x-roles'];
  const bodies = Object.entries(call.requestBody?.content ?? {});
  return [
    '',
    `### ${method.toUpperCase()} ${path}`,
    '',
    wrapped(`${call.summary}.${call.description === undefined ? '' : ` ${call.description}`}`),
    '',
    item(roles === undefined ? 'key: none' : `key: ${roles.join(', ')}`),
    ...call.parameters
      .filter(({ in: place }) => place === 'query')
      .map(({ name, required, description }) => item(`query \`${name}\`${required ? '' : ' (optional)'}${about(description)}`)),
    ...bodies.flatMap(([type, { schema }]) => [item(`body \`${type}\`${about(schema.description)}`), ...fieldsOf(schema)]),
    ...Object.entries(call.responses).map(([status, { description, content }]) => {
      const types = Object.keys(content ?? {}).filter((type) => !/^application\/(problem\+)?json$/.test(type));
      return item(`${status}: ${description}${types.length === 0 ? '' : ` (also ${types.join(', ')})`}`);
    }),
  ];
}

export async function httpApiPage({ paths }: OpenApi): Promise<string> {
  const calls = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, call]) => ({ path, method, call })),
  );
  return await page('HTTP API', "a server's `/openapi.json`", [
    wrapped(
      'Every call with who may make it, what it takes and what it answers. `/openapi.json` has the shapes of bodies and answers in full; `/docs` shows them in a browser, to be tried.',
    ),
    '',
    item('`Authorization: Bearer KEY`, but where it says that no key is needed.'),
    item('Errors are [problems](problems.md) with a stable code.'),
    item('Integers are exact and may exceed 2⁵³; instants are RFC 3339; amounts are decimal strings.'),
    item('Long answers end with a `next` cursor: ask again with `?cursor=…` alone.'),
    ...[...grouped(calls, ({ call }) => call.tags[0] ?? 'other')].flatMap(([tag, of]) => [
      '',
      `## ${tag}`,
      ...of.flatMap(({ path, method, call }) => callLines(method, path, call)),
    ]),
  ]);
}
