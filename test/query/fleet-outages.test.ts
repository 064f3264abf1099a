import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { incidentRequest } from '../../src/catalog/incidents.ts';
import { conditionCode, conditionOf } from '../../src/domain/condition.ts';
import { fleetOutagePage, type FleetOutages } from '../../src/query/fleet-outages.ts';
import type { CountedContext } from '../../src/query/counted-outages.ts';
import { loadTerms, shippedTermsFolder } from '../../src/terms/library.ts';
import { vmBody } from '../../src/catalog/bodies.ts';
import { accountBody } from '../../src/catalog/bodies.ts';
import { openCatalogOf } from '../support/records.ts';
import { insertFleet, insertOutage, insertSample, insertUptime, ms } from '../support/rows.ts';
import { openTestStore, type TestStore } from '../support/store.ts';

const clock = (at: number | null) => (at === null ? null : new Date(at).toISOString().slice(11, 19));

describe('outages of the fleet', () => {
  let test: TestStore;
  let context: CountedContext;
  const ask = async (change: Partial<FleetOutages> = {}) => {
    const shown = [];
    const range = {
      fromMs: ms('00:00'),
      toMs: ms('04:00'),
      incidents: 'applied',
      withAgent: true,
      limit: 100,
      ...change,
    } as const;
    for (let after: FleetOutages['after']; ;) {
      const { rows, next } = await fleetOutagePage(context, { ...range, after });
      for (const row of rows)
        shown.push(`${row.vm} ${clock(row.startMs)} ${clock(row.endMs)} ${conditionOf(row.condition)} ${row.agent}`);
      if (next === undefined) return shown;
      expect(rows).toHaveLength(range.limit);
      after = next;
    }
  };
  const record = (body: object) => context.catalog.incidents.record(incidentRequest.parse(body), null, 't');

  beforeAll(async () => {
    test = await openTestStore();
    await insertFleet(test.store);
    await insertUptime(test.store, 'v3', '00:00', 60_000, 1);
    await insertUptime(test.store, 'v3', '03:00', 60_000, 1);
    // host h9 spoke for v1 80 s before it fell silent, h8 for it 2 h before it went down for good
    await insertSample(test.store, { vm: 'v1', nic: '', ts: '00:58:40', pos: 30, condition: 0, agent: 'h9' });
    let filler = 0;
    const catalog = await openCatalogOf({
      store: test.store,
      now: () => 0,
      randomBytes: (size) => new Uint8Array(size).fill((filler += 1)),
    });
    await catalog.putAccount('a1', accountBody.parse({ name: 'A', currency: 'CNY' }), 't');
    await catalog.putVm('v2', vmBody.parse({ account: 'a1', ends_at: ms('01:30') }), 't');
    context = {
      store: test.store,
      catalog,
      watermarkMs: () => ms('03:00'),
      stalenessMs: 90_000,
      termsLibrary: loadTerms([shippedTermsFolder()]),
    };
  });
  afterAll(() => test.remove());

  const REPORTED = [
    'v1 00:10:00 00:12:30 provider h1',
    'v1 01:00:00 01:30:00 silent h9',
    'v1 02:50:00 null customer h9',
    'v2 01:29:59 01:30:00 provider null',
  ];

  it('are told VM by VM, whole, with who spoke for the VM when each began; page by page the same', async () => {
    expect(await ask()).toEqual(REPORTED);
    for (const limit of [1, 2, 3]) expect(await ask({ limit })).toEqual(REPORTED);
    expect(await ask({ fromMs: ms('00:12'), toMs: ms('00:13') })).toEqual(REPORTED.slice(0, 1));
    expect(await ask({ fromMs: ms('00:13'), toMs: ms('01:00') })).toEqual([]);
  });

  it('are chosen by cause, by agent and by VM', async () => {
    expect(await ask({ conditions: new Set([conditionCode('silent')]) })).toEqual(REPORTED.slice(1, 2));
    expect(await ask({ agent: 'h1' })).toEqual(REPORTED.slice(0, 1));
    expect(await ask({ agent: 'h9', limit: 1 })).toEqual(REPORTED.slice(1, 3));
    expect(await ask({ vms: ['v2', 'v3'] })).toEqual(REPORTED.slice(3));
  });

  it('are as incidents restate them: joined with what they touch, in whatever range they are asked for', async () => {
    await insertOutage(test.store, { vm: 'v1', start: '01:30:00.001', end: '01:40', condition: 1, version: 5 });
    const { id } = await record({ scope: { vms: ['v1'] }, from: ms('01:00'), to: ms('02:00'), cause: 'provider' });
    const joined = 'v1 01:00:00 01:40:00 provider h9';
    expect(await ask()).toEqual([REPORTED[0], joined, ...REPORTED.slice(2)]);
    expect(await ask({ fromMs: ms('01:35'), toMs: ms('01:36') })).toEqual([joined]);
    expect(await ask({ fromMs: ms('01:00'), toMs: ms('01:01') })).toEqual([joined]);
    expect(await ask({ incidents: 'raw', fromMs: ms('01:35'), toMs: ms('01:36') })).toEqual(['v1 01:30:00 01:40:00 provider h9']);
    await context.catalog.incidents.withdraw(id, 't');
    expect(await ask()).toEqual([...REPORTED.slice(0, 2), 'v1 01:30:00 01:40:00 provider h9', ...REPORTED.slice(2)]);
  });

  it('are those too that nobody reported and an incident asserts', async () => {
    const { id } = await record({
      scope: { all: true },
      from: ms('02:00'),
      to: ms('02:05'),
      cause: 'attack',
      asserts_down: true,
    });
    const said = ['v1 02:00:00 02:05:00 attack h9', 'v3 02:00:00 02:05:00 attack null'];
    expect(await ask({ conditions: new Set([conditionCode('attack')]) })).toEqual(said);
    expect(await ask({ conditions: new Set([conditionCode('attack')]), limit: 1 })).toEqual(said);
    await context.catalog.incidents.withdraw(id, 't');
  });
});
