import { describe, expect, it } from 'vitest';
import { instantGuard } from '../../src/agent/instant-guard.ts';
import { agentMetrics } from '../../src/agent/agent-metrics.ts';
import type { AgentStats } from '../../src/agent/agent.ts';
import type { Observation, Seen } from '../../src/samples/reading.ts';
import { countsOf, RoundLog, SUMMARY_EVERY_MS } from '../../src/agent/round-report.ts';
import { seenLines } from '../../src/cli/terminal/agent-table.ts';

const observation: Observation = {
  vm: 'web',
  nic: 'e0',
  counters: { rxBytes: 2n ** 64n - 1n, txBytes: 8n, epoch: 1 },
  downCause: null,
};
const metered = (source: string): Seen => ({ source, result: 'metered', why: 'every domain', observation });
const hung = (source: string): Seen => ({ source, result: 'no_answer', why: 'virsh gave no answer within 6 s' });
const bridge: Seen = { source: 'br0', result: 'no_guest_end', why: "no host's end of a guest" };

function logged(): { log: RoundLog; lines: string[]; pass: (ms: number) => void } {
  const lines: string[] = [];
  let nowMs = 1_000_000;
  const log = new RoundLog(
    (level, message, fields) => lines.push(`${level} ${message} ${JSON.stringify(fields)}`),
    () => nowMs,
  );
  return { log, lines, pass: (ms) => (nowMs += ms) };
}

describe('what a round saw', () => {
  it('adds up: seen = metered + state only + left out by reason', () => {
    const counts = countsOf([metered('a'), metered('b'), { source: 'c', result: 'state_only', why: '' }, hung('d'), bridge]);
    expect(counts).toMatchObject({
      seen: 5,
      metered: 2,
      stateOnly: 1,
      leftOut: 2,
      reasons: { no_answer: 1, no_guest_end: 1, twice: 0 },
    });
  });

  it('has a line when the counts change, none while they stay, and a summary every ten minutes', () => {
    const { log, lines, pass } = logged();
    for (let i = 0; i < 5; i++) log.round([metered('a'), bridge], () => ({ waiting: 0 }));
    expect(lines).toEqual(['info what is metered {"seen":2,"metered":1,"state_only":0,"left_out":1,"no_guest_end":1}']);
    log.round([metered('a')], () => ({ waiting: 0 }));
    expect(lines).toHaveLength(2);
    pass(SUMMARY_EVERY_MS);
    log.round([metered('a')], () => ({ waiting: 7 }));
    expect(lines.at(-1)).toBe('info what is metered {"seen":1,"metered":1,"state_only":0,"left_out":0,"waiting":7}');
  });

  it('has a line for what ought to be metered and is not, once, and one when it is again', () => {
    const { log, lines } = logged();
    for (let i = 0; i < 3; i++) log.round([hung('web'), bridge], () => ({}));
    log.round([metered('web vnet0'), bridge], () => ({}));
    const own = lines.filter((line) => line.includes('"source"'));
    expect(own).toEqual([
      'warn left out {"source":"web","reason":"no_answer","why":"virsh gave no answer within 6 s"}',
      'info is metered again {"source":"web"}',
    ]);
  });

  it('has a line when the source is back, and a warning where nothing is metered', () => {
    const { log, lines, pass } = logged();
    log.failed();
    pass(20_000);
    log.failed();
    log.round([bridge], () => ({}));
    expect(lines[0]).toBe('info the source can be read again {"away_ms":20000}');
    expect(lines[1]).toMatch(/^warn nothing is metered: choose with --match or --map/);
  });

  it('counts what bears a name twice as left out', () => {
    const twin = { ...observation };
    const guard = instantGuard(0, () => undefined);
    const reading = guard({
      atMs: 1,
      observations: [observation, twin],
      seen: [metered('a'), { ...metered('b'), observation: twin }],
    });
    expect(reading?.observations).toEqual([observation]);
    expect(reading?.seen?.map(({ source, result }) => `${source} ${result}`)).toEqual(['a metered', 'b twice']);
  });

  it('is a table: every thing, its counters to the digit, its state, and why', () => {
    const evil: Seen = { source: 'x\u001b[31m\nroot', result: 'bad_name', why: 'no VM name' };
    const [heading, first, second, third] = seenLines([bridge, evil, metered('web vnet0')]);
    expect(heading).toMatch(/^SOURCE +VM +NIC +RECEIVED +SENT +STATE +RESULT +WHY$/);
    expect(first).toMatch(/^web vnet0 +web +e0 +18446744073709551615 +8 +up +metered +every domain$/);
    expect([second, third].join('\n')).toMatch(/br0 .* no guest end .*\nx\\u001b\[31m\\nroot .* bad name +no VM name/);
  });

  it('is told to Prometheus, each reason by its name', async () => {
    const { reasons, ...counts } = countsOf([metered('a'), hung('b')]);
    const zero = { readRounds: 3, failedRounds: 1, spooledSamples: 9, unspooledBatches: 0, sentBatches: 2, acceptedSamples: 8, rejectedSamples: 1, setAsideBatches: 0, failedAttempts: 4, droppedBatches: 0, droppedSamples: 0, pendingBatches: 5, pendingSamples: 6 }; // prettier-ignore
    const stats: AgentStats = { ...zero, ...counts, leftOutReasons: reasons, lastRoundAtMs: 7_000, lastSentAtMs: null, rejectedBatches: 1, rejectedBytes: 99, droppedRejectedBatches: 2 }; // prettier-ignore
    const text = await agentMetrics(stats, 'libvirt qemu:///system');
    for (const line of [
      'uptally_agent_rounds_total{result="failed"} 1',
      'uptally_agent_round_timestamp_seconds 7',
      'uptally_agent_metered 1',
      'uptally_agent_left_out{reason="no_answer"} 1',
      'uptally_agent_left_out{reason="twice"} 0',
      'uptally_agent_samples_total{result="accepted"} 8',
      'uptally_agent_spool_samples 6',
      'uptally_agent_rejected_bytes 99',
      '# TYPE uptally_agent_rounds_total counter',
    ])
      expect(text.split('\n')).toContain(line);
    expect(text).not.toContain('uptally_agent_sent_timestamp_seconds ');
  });
});
