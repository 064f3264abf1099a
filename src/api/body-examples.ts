/** A body for every call that takes one, which /docs shows and tries: together, from top to bottom, they are a small deployment. */
import { formatInstant } from '../domain/instant.ts';
import type { BodyExamples } from '../http/openapi.ts';

const SHEET = {
  id: 'example',
  version: 1,
  effective_from: '2026-01-01T00:00:00Z',
  title: 'Example Cloud, terms of 2026',
  document: 'terms-2026.pdf',
  clauses: { uptime: { says: 'A month below 99.95 % earns 10 % of its charge.', place: 'section 2' } },
  credit: { kind: 'monthly_tiers', clause: 'uptime', tiers: [{ below_percent: '99.95', credit_percent: '10' }] },
  refund: { destination: 'balance', destination_clause: 'uptime', grounds: [], bars: [] },
};

/** By method and path of the call. @param nowMs samples are taken while they are new */
export function bodyExamples(nowMs: number): BodyExamples {
  const ts = formatInstant(nowMs);
  return {
    'PUT /v1/plans/{id}': {
      currency: 'CNY',
      time_zone: 'Asia/Taipei',
      price: { amount: '300.00', per: 'month' },
      creditable: ['provider'],
      terms: 'internet-service',
      traffic: {
        counting: 'sum',
        included_bytes: 1_000_000_000_000,
        unit_bytes: 1_000_000_000,
        round_up: false,
        mode: 'graduated',
        tiers: [
          { up_to: 500, price: '0.10' },
          { up_to: null, price: '0.05' },
        ],
      },
    },
    'PUT /v1/accounts/{id}': { name: 'Example Ltd', currency: 'CNY', tax_percent: '6', language: 'en' },
    'PUT /v1/vms/{id}': { account: 'acme', plans: [{ plan: 'small', from: '2026-03-01T00:00:00+08:00' }] },
    'PATCH /v1/plans/{id}': { refund_handling_fee: '10.00' },
    'PATCH /v1/accounts/{id}': { email: 'billing@example.net' },
    'PATCH /v1/vms/{id}': { paid_amount: '300.00' },
    'POST /v1/keys': { role: 'agent', name: 'host-1', vms: ['web-*'] },
    'POST /v1/keys/{id}/rotate': { overlap_s: 86_400 },
    'POST /v1/accounts/{account}/portal-links': { expires_in: 3600 },
    'POST /v1/session': { key: 'upt_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' },
    'POST /v1/webhooks': { url: 'https://hooks.example.com/uptally', account: 'acme', types: ['invoice.final', 'outage.begun'] },
    'PUT /v1/webhooks/{id}': { url: 'https://hooks.example.com/uptally', description: 'the panel' },
    'POST /v1/webhooks/{id}/replay': { from: '2026-03-01T00:00:00Z', to: '2026-03-02T00:00:00Z' },
    'POST /v1/subscriptions': {
      ...{
        to: 'ops@acme.example',
        account: 'acme',
        types: ['outage.begun', 'outage.ended', 'invoice.final'],
        language: 'zh-Hant',
      },
      ...{ quiet: { from: '22:00', until: '07:00', time_zone: 'Asia/Taipei' } },
    },
    'PUT /v1/subscriptions/{id}': { to: 'ops@acme.example', account: 'acme', digest: 'daily' },
    'POST /v1/names/forget': { pattern: 'lab-*', before: '2026-03-01T00:00:00Z', dry_run: true },
    'PUT /v1/sources/{id}': { preset: 'libvirt-exporter', link_mbps: 10_000 },
    'POST /v1/sources/{id}/series': {
      series: 'libvirt_domain_state_code',
      labels: { uuid: 'web-1', instance: 'host-1:9177' },
      value: 1,
    },
    ...receivedExamples(nowMs),
    'POST /v1/samples': { vm: 'web-1', ts, nic: 'eth0', rx_bytes: 91_000, tx_bytes: 45_500 },
    'POST /v1/vms/{vm}/events': { at: '2026-03-05T10:00:00+08:00', kind: 'ip_blocked', note: 'ticket 9' },
    'POST /v1/incidents': {
      scope: { vms: ['web-1'] },
      from: '2026-03-06T10:00:00+08:00',
      to: '2026-03-06T12:00:00+08:00',
      cause: 'maintenance',
      note: 'ticket 7',
    },
    'POST /v1/silences/{id}/decision': { decision: 'provider', note: 'host 7 lost its power supply' },
    'POST /v1/refund-checks': { vm: 'web-1', at: '2026-03-05T12:00:00+08:00' },
    'POST /v1/terms/backtests': { sheet: SHEET, replaces: 'internet-service', from: '2026-03', to: '2026-04' },
    'POST /v1/invoices': {
      account: 'acme',
      from: '2026-03-01T00:00:00+08:00',
      to: '2026-04-01T00:00:00+08:00',
      mode: 'preview',
    },
    'POST /v1/invoice-runs': { period: '2026-03', dry_run: true },
    'POST /v1/invoices/{id}/payments': { amount: '100.00', at: '2026-04-02T09:00:00+08:00', note: 'wire 117' },
    'POST /v1/invoices/{id}/credit-notes': {
      reference: 'ticket-9',
      reason: 'goodwill: slow support',
      lines: [{ line: '0', amount: '50.00' }],
    },
    'POST /v1/accounts/{account}/charges': {
      ...{ reference: 'quote-7', kind: 'quoted', description: 'Moving two machines', amount: '120.00' },
      ...{ reason: 'quote 7 of 28 March', at: '2026-04-01T09:00:00+08:00' },
    },
    'POST /v1/accounts/{account}/payouts': { reference: 'wire-31', amount: '15.00', at: '2026-04-05T00:00:00Z' },
    'POST /v1/accounts/{account}/payments': { reference: 'wire-30', amount: '300.00', at: '2026-04-02T09:00:00+08:00' },
    'POST /v1/scheduler/jobs/{job}/run': { dry_run: true },
    'POST /v1/reconcile': { dry_run: true },
    'POST /v1/accounts/{account}/balance': { kind: 'top_up', amount: '200.00', reference: 'wire-2026-118' },
    'POST /v1/charge-days': { account: 'acme' },
  };
}

/** What stock senders post in JSON. */
function receivedExamples(nowMs: number): BodyExamples {
  const time = formatInstant(nowMs);
  const event = {
    ...{ specversion: '1.0', id: '1', source: 'host-1', type: 'vm.traffic', subject: 'web-1', time },
    data: { nic: 'eth0', rx_bytes: 91_000, tx_bytes: 45_500 },
  };
  const point = {
    attributes: [
      { key: 'device', value: { stringValue: 'eth0' } },
      { key: 'direction', value: { stringValue: 'receive' } },
    ],
    timeUnixNano: `${nowMs}000000`,
    asInt: '91000',
  };
  const metrics = [{ name: 'system.network.io', sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: [point] } }];
  const resource = { attributes: [{ key: 'host.name', value: { stringValue: 'web-1' } }] };
  const request = { resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] };
  return {
    'POST /v1/receive/otlp/{source}': request,
    'POST /v1/receive/otlp/{source}/v1/metrics': request,
    'POST /v1/metrics': request,
    'POST /api/v1/events': event,
    'POST /v1/receive/cloudevents/{source}': event,
    'POST /v1/receive/cloudevents/{source}/api/v1/events': event,
    'POST /v1/receive/collectd/{source}': [
      {
        ...{ host: 'host-1', plugin: 'virt', plugin_instance: 'web-1', type: 'if_octets', type_instance: 'eth0' },
        ...{ time: nowMs / 1000, interval: 10, dsnames: ['rx', 'tx'], dstypes: ['derive', 'derive'], values: [91_000, 45_500] },
      },
    ],
    'POST /v1/receive/ceilometer/{source}': [
      {
        ...{ counter_name: 'network.incoming.bytes', counter_type: 'cumulative', counter_unit: 'B', counter_volume: 91_000 },
        ...{ timestamp: time, resource_id: 'web-1-eth0', resource_metadata: { instance_id: 'web-1', name: 'eth0' } },
      },
    ],
  };
}
