/** The document of a source: what its series are, and which of them become samples. Everything that it does not name is left out. */
import { z } from 'zod';
import { CAUSES } from '../domain/condition.ts';
import { expressionOf, parseTemplate, TemplateError } from './template.ts';

/** Protocols of stock senders, as they stand in paths. */
export const PROTOCOLS = ['prometheus', 'influx', 'otlp', 'cloudevents', 'collectd', 'ceilometer', 'proxmox'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

const RULES_MAX = 64;
const VALUES_MAX = 64;
const DROPS_MAX = 32;
const KEYS_MAX = 64;

/** What a state of a sender means; `none`: it says nothing of the VM. */
const stateWord = z.enum(['up', 'none', ...CAUSES]);
export type StateWord = z.infer<typeof stateWord>;

const name = z.string().min(1).max(256);

const template = z.string().min(1).max(512).superRefine(checkedBy(parseTemplate)).meta({
  description: 'Text with labels in braces: {uuid}, {device|lower}, {id|re:^qemu/(\\d+)$}, {device|network.interface.name}',
});

const ruleShape = z.strictObject({
  series: name.describe('The name of the series, measurement or metric, or the type of the event.'),
  when: z
    .record(name, z.union([name, z.array(name).min(1).max(VALUES_MAX), z.null()]))
    .optional()
    .describe('Labels that have to say this, or one of these; null: that are not there.'),
  take: z
    .enum(['rx', 'tx', 'octets', 'state', 'heartbeat'])
    .optional()
    .describe(
      'For senders of one value a series: what the value is. `octets`: the direction is in a label, see `by`. `heartbeat`: a sign of life of the sender, no sample.',
    ),
  by: name.optional().describe('The label that names the direction.'),
  receive: name.optional().describe('What `by` says of bytes received.'),
  transmit: name.optional().describe('What `by` says of bytes sent.'),
  rx: name.optional().describe('For senders of several values a line: the field of bytes received.'),
  tx: name.optional().describe('The field of bytes sent.'),
  state: template.optional().describe('The state, of fields and tags.'),
  label: name.optional().describe('With `take: state`: the state stands in this label, where the value is `value`.'),
  value: z.number().optional().describe('With `label`; 1 unless said.'),
  values: z.record(name, stateWord).meta({ maxProperties: VALUES_MAX }).optional().describe('What each state means.'),
  else: stateWord.optional().describe('What any other state means; left out: the sample is rejected as bad_state.'),
  uptime: name.optional().describe('The field that says for how many seconds the VM has run: 0 is off; its counters began then.'),
  off: stateWord.optional().describe('Without `state`: what an uptime of 0 means; left out: none.'),
  epoch: template.optional().describe('Text that changes when the counters start again from zero; its hash is the epoch.'),
  vm: template.optional(),
  nic: template.optional(),
  host: template.optional(),
});
/** What `checkRule` says, for whoever reads the document. */
const RULE_SAYS = [
  {
    anyOf: [
      { required: ['take'], properties: { rx: false, tx: false, state: false, uptime: false } },
      { properties: { take: false }, anyOf: ['rx', 'tx', 'state', 'uptime'].map((field) => ({ required: [field] })) },
    ],
  },
  { if: { properties: { take: { const: 'octets' } }, required: ['take'] }, then: { required: ['by', 'receive', 'transmit'] } },
  { if: { required: ['off'] }, then: { required: ['uptime'], properties: { state: false } } },
  {
    if: { anyOf: [{ required: ['state'] }, { properties: { take: { const: 'state' } }, required: ['take'] }] },
    then: { anyOf: [{ required: ['values'] }, { required: ['else'] }] },
    else: { properties: { values: false, else: false } },
  },
];

const rule = ruleShape.superRefine(checkRule).meta({ allOf: RULE_SAYS });
export type Rule = z.infer<typeof ruleShape>;

/** A source as it is written: a preset's fields may be left out. */
export const sourceBody = z.strictObject({
  preset: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/)
    .optional()
    .describe('A mapping that comes with the product; every field given here takes the place of its own.'),
  protocol: z.enum(PROTOCOLS).optional(),
  title: z.string().min(1).max(200).optional(),
  view: z.enum(['guest', 'host']).optional().describe('Whose view the counters have; `host`: received and sent are exchanged.'),
  counts: z
    .enum(['nic', 'vm'])
    .optional()
    .describe('`vm`: a counter is the sum over the interfaces, so that a fall alone is no restart.'),
  trust: z
    .enum(['host', 'guest'])
    .optional()
    .describe('`guest`: the figures come from inside the VM, where its user can forge them; counters are not taken.'),
  alive: z
    .enum(['state', 'series'])
    .optional()
    .describe('`series`: a counter alone says that the VM is up; `state`: only what rules take as a state does.'),
  hold_s: z.int().min(1).max(3600).optional().describe("How long a state holds; left out: the server's staleness."),
  link_mbps: z.int().min(1).max(1_000_000).optional().describe('An increase faster than this is quarantined.'),
  interval_s: z.int().min(1).max(3600).optional().describe('How often the sender speaks; `hold_s` must be longer.'),
  vm: template.optional(),
  nic: template.optional(),
  host: template.optional(),
  drop: z
    .array(z.strictObject({ label: name, matches: z.string().min(1).max(512).superRefine(checkedBy(expressionOf)) }))
    .max(DROPS_MAX)
    .optional()
    .describe('Series whose label is matched, whole, by an expression (RE2): they are left out before any rule.'),
  replica: z
    .strictObject({ cluster: name, replica: name, failover_s: z.int().min(5).max(3600).default(30) })
    .optional()
    .describe(
      'Senders that tell the same: the labels of their cluster and of each. One of them is heard, until it was silent for `failover_s`; what lacks the labels is rejected.',
    ),
  keys: z
    .array(name)
    .max(KEYS_MAX)
    .optional()
    .describe(
      'Names of keys: what they post at the paths that senders cannot change (/api/v1/write, /api/v2/write, /write, /v1/metrics, /api/v1/events) is of this source.',
    ),
  rules: z.array(rule).min(1).max(RULES_MAX).optional().describe('The first that fits decides; what none names is ignored.'),
});
export type SourceBody = z.infer<typeof sourceBody>;

/** A mapping with everything filled in. */
export interface Mapping {
  readonly protocol: Protocol;
  readonly title: string;
  readonly view: 'guest' | 'host';
  readonly counts: 'nic' | 'vm';
  readonly trust: 'host' | 'guest';
  readonly alive: 'state' | 'series';
  readonly holdS: number | null;
  readonly linkMbps: number | null;
  readonly intervalS: number | null;
  readonly vm: string;
  readonly nic: string | null;
  readonly host: string | null;
  readonly drop: readonly { readonly label: string; readonly matches: string }[];
  readonly replica: { readonly cluster: string; readonly replica: string; readonly failover_s: number } | null;
  readonly keys: readonly string[];
  readonly rules: readonly Rule[];
}

/**
 * A source's mapping: its own fields, else those of its preset, else what is usual.
 * @returns the mapping, or what is wrong, a fault a field
 */
export function mappingOf(
  body: SourceBody,
  preset: (id: string) => SourceBody | undefined,
): Mapping | readonly { readonly field: string; readonly message: string }[] {
  const base = body.preset === undefined ? {} : preset(body.preset);
  if (base === undefined) return [{ field: 'preset', message: `there is no preset ${body.preset ?? ''}` }];
  const whole = { ...base, ...body };
  const faults: { field: string; message: string }[] = [];
  for (const field of ['protocol', 'vm', 'rules'] as const)
    if (whole[field] === undefined) faults.push({ field, message: 'is missing, and no preset gives it' });
  if (whole.hold_s !== undefined && whole.interval_s !== undefined && whole.hold_s <= whole.interval_s)
    faults.push({
      field: 'hold_s',
      message: `must be longer than interval_s (${whole.interval_s}), or the VM is silent between any two samples`,
    });
  if (whole.replica !== undefined && whole.interval_s !== undefined && whole.replica.failover_s < 2 * whole.interval_s)
    faults.push({
      field: 'replica.failover_s',
      message: `must be at least twice interval_s (${whole.interval_s}), or whoever is heard seems silent between two samples`,
    });
  const { protocol, vm, rules } = whole;
  if (protocol === undefined || vm === undefined || rules === undefined || faults.length > 0) return faults;
  return {
    protocol,
    title: whole.title ?? '',
    view: whole.view ?? 'guest',
    counts: whole.counts ?? 'nic',
    trust: whole.trust ?? 'host',
    alive: whole.alive ?? 'state',
    holdS: whole.hold_s ?? null,
    linkMbps: whole.link_mbps ?? null,
    intervalS: whole.interval_s ?? null,
    vm,
    nic: whole.nic ?? null,
    host: whole.host ?? null,
    drop: whole.drop ?? [],
    replica: whole.replica ?? null,
    keys: whole.keys ?? [],
    rules,
  };
}

function checkedBy(parse: (text: string) => unknown): (text: string, context: z.RefinementCtx) => void {
  return (text, context) => {
    try {
      parse(text);
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
    }
  };
}

/** A rule takes one thing, and has what that needs. */
function checkRule(given: Rule, context: z.RefinementCtx): void {
  const wrong = (path: string, message: string): void => {
    context.addIssue({ code: 'custom', path: [path], message });
  };
  const ofFields = given.rx !== undefined || given.tx !== undefined || given.state !== undefined || given.uptime !== undefined;
  if (given.take === undefined && !ofFields)
    wrong('take', 'is missing: a rule takes a value, or names fields (rx, tx, state, uptime)');
  if (given.take !== undefined && ofFields) wrong('take', 'stands beside fields: a rule takes one value, or fields of a line');
  if (given.take === 'octets' && (given.by === undefined || given.receive === undefined || given.transmit === undefined))
    wrong('by', '`take: octets` needs `by`, `receive` and `transmit`');
  if (given.off !== undefined && (given.uptime === undefined || given.state !== undefined))
    wrong('off', 'belongs to a rule with `uptime` and without `state`');
  if (Object.keys(given.values ?? {}).length > VALUES_MAX) wrong('values', `has more than ${VALUES_MAX} entries`);
  const tellsState = given.take === 'state' || given.state !== undefined;
  if (tellsState && given.values === undefined && given.else === undefined)
    wrong('values', 'is missing: nothing says what a state means');
  if (!tellsState && (given.values !== undefined || given.else !== undefined)) wrong('values', 'stands where no state is taken');
}
