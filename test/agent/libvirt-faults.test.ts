import { describe, expect, it } from 'vitest';
import { libvirtReader } from '../../src/agent/libvirt.ts';
import type { Reader } from '../../src/samples/reading.ts';
import { cannedVirsh, HANGS, hostOf, uuidOf, type CannedAnswer, type CannedDomain } from '../support/canned-virsh.ts';

const domain = (n: number): CannedDomain => ({
  name: `vm-${n}`,
  uuid: uuidOf(n),
  id: String(n),
  nics: [{ device: `vnet${n}`, mac: `52:54:00:ab:00:0${n}`, rx: 100 * n, tx: n }],
});
const SICK = uuidOf(2);
const LOCKED = { error: 'error: Timed out during operation: cannot acquire state change lock' };

/** The VMs whose counters, and those of which only the state, went out in a round. */
async function round(reader: Reader): Promise<{ counted: string[]; stateOnly: string[]; reasons: string[] }> {
  const { observations, seen = [] } = await reader.read();
  return {
    counted: observations.filter((o) => o.counters !== null).map((o) => o.vm),
    stateOnly: observations.filter((o) => o.counters === null).map((o) => o.vm),
    reasons: seen.filter(({ result }) => result === 'no_answer').map(({ source, why }) => `${source}: ${why}`),
  };
}

const QUESTIONS = ['domname', 'domid', 'dumpxml', 'domstats --raw --state --interface'] as const;

describe.each<[string, CannedAnswer, RegExp]>([
  ['fails', LOCKED, /cannot acquire state change lock/],
  ['hangs', HANGS, /no answer within/],
  ['is answered with nothing', '', /empty answer|did not say|no running number|no name/],
  ['is answered with something else', 'surprise\n', /failed to get domain|did not say|no running number|renamed/],
])('one question about one domain of three %s', (how, answer, words) => {
  it.each(QUESTIONS)('%s: the others are metered in that round, and it too in the next', async (question) => {
    const answers = hostOf([domain(1), domain(2), domain(3)]);
    const healthy = { ...answers };
    if (question.startsWith('domstats')) answers[question] = HANGS;
    answers[`${question} ${SICK}`] = answer;
    // a name is whatever libvirt says it is
    if (question === 'domname' && how.endsWith('something else')) return;
    const reader = libvirtReader({ virsh: cannedVirsh(answers) });
    const first = await round(reader);
    expect(first.counted).toEqual(['vm-1', 'vm-3']);
    expect(first.reasons).toHaveLength(1);
    // without a name of its own it is asked by the one that stands with its state
    if (question !== 'domname') expect(first.reasons[0]).toMatch(words);
    Object.assign(answers, healthy);
    expect(await round(reader)).toEqual({ counted: ['vm-1', 'vm-2', 'vm-3'], stateOnly: [], reasons: [] });
  });
});

describe('a domain that hangs', () => {
  it('has its state told all the same where that is known', async () => {
    const answers = { ...hostOf([domain(1), domain(2)]), [`dumpxml ${SICK}`]: HANGS };
    expect(await round(libvirtReader({ virsh: cannedVirsh(answers) }))).toMatchObject({ counted: ['vm-1'], stateOnly: ['vm-2'] });
  });

  it('is asked by itself in the next rounds, so that it does not hold up the others again', async () => {
    const answers: Record<string, CannedAnswer> = { ...hostOf([domain(1), domain(2), domain(3)]), [`domid ${SICK}`]: HANGS };
    const virsh = cannedVirsh(answers);
    const reader = libvirtReader({ virsh });
    await reader.read();
    const before = virsh.asked.length;
    await reader.read();
    const together = virsh.asked.slice(before).filter((commands) => commands.length > 1);
    expect(together.length).toBeGreaterThan(0);
    expect(together.flat().filter((command) => command.includes(SICK))).toEqual([]);
    expect(virsh.asked.slice(before).flat()).toContain(`domstats --raw --state --interface ${SICK}`);
  });

  it('is not asked anything more in that round', async () => {
    const answers: Record<string, CannedAnswer> = {
      ...hostOf([domain(1), domain(2)]),
      'domstats --raw --state --interface': HANGS,
      [`domstats --raw --state --interface ${SICK}`]: HANGS,
    };
    const virsh = cannedVirsh(answers);
    await libvirtReader({ virsh }).read();
    expect(virsh.asked.flat().filter((command) => command.includes(SICK) && !command.startsWith('dom')).length).toBe(0);
    expect(virsh.asked.flat()).not.toContain(`domid ${SICK}`);
  });
});

describe('a host-wide question', () => {
  it.each<[string, CannedAnswer]>([
    ['fails', LOCKED],
    ['hangs', HANGS],
  ])('about the state of all that %s is put to each domain instead', async (_, answer) => {
    const answers = { ...hostOf([domain(1), domain(2), domain(3)]), 'domstats --raw --state --interface': answer };
    expect((await round(libvirtReader({ virsh: cannedVirsh(answers) }))).counted).toEqual(['vm-1', 'vm-2', 'vm-3']);
  });

  it('that keeps silent about one domain has it asked by itself', async () => {
    const answers: Record<string, CannedAnswer> = {
      ...hostOf([domain(1), domain(2)]),
      'domstats --raw --state --interface': hostOf([domain(1)])['domstats --raw --state --interface'] ?? '',
    };
    expect((await round(libvirtReader({ virsh: cannedVirsh(answers) }))).counted).toEqual(['vm-1', 'vm-2']);
  });

  it.each<[string, CannedAnswer]>([
    ['fails', { error: 'error: failed to connect to the hypervisor' }],
    ['hangs', HANGS],
  ])('about the list of domains that %s costs the round, which says so', async (_, answer) => {
    const answers = { ...hostOf([domain(1)]), 'list --all --uuid': answer };
    await expect(libvirtReader({ virsh: cannedVirsh(answers) }).read()).rejects.toThrow(/failed to connect|no answer/);
  });
});

describe('a run whose number is not known', () => {
  it('is not given another epoch: its counters wait for the next round', async () => {
    const answers = hostOf([domain(1)]);
    const reader = libvirtReader({ virsh: cannedVirsh(answers) });
    const epoch = async (): Promise<number | undefined> => (await reader.read()).observations[0]?.counters?.epoch;
    const first = await epoch();
    const told = answers[`domid ${uuidOf(1)}`] ?? '';
    answers[`domid ${uuidOf(1)}`] = LOCKED;
    expect(await epoch()).toBeUndefined();
    answers[`domid ${uuidOf(1)}`] = told;
    expect(await epoch()).toBe(first);
  });

  it('is taken as it is by a stand-in for virsh that knows no numbers', async () => {
    const answers = { ...hostOf([domain(1)]), [`domid ${uuidOf(1)}`]: { error: "error: unknown command: 'domid'" } };
    expect((await round(libvirtReader({ virsh: cannedVirsh(answers) }))).counted).toEqual([]);
    const xml = hostOf([{ ...domain(1), id: '0' }])[`dumpxml ${uuidOf(1)}`] ?? '';
    expect((await round(libvirtReader({ virsh: cannedVirsh({ ...answers, [`dumpxml ${uuidOf(1)}`]: xml }) }))).counted).toEqual([
      'vm-1',
    ]);
  });
});
