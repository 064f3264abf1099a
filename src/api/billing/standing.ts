import { z } from 'zod';
import { SERVICE_STATES } from '../../billing/standing/state.ts';
import { type StandingView, standingView } from '../../billing/standing/view.ts';
import { CONSEQUENCE_KINDS } from '../../books/consequences.ts';
import { formatInstant } from '../../domain/instant.ts';
import { formatAmount } from '../../domain/money.ts';
import { ProblemError } from '../../problems/problem.ts';
import type { Api } from '../../http/api.ts';
import type { ApiContext } from '../shared/context.ts';
import { accountParams, instantShape } from '../shared/shapes.ts';

/** Consequences that are told of: the latest. */
const HISTORY_MAX = 500;

const standingShape = z.object({
  account: z.string(),
  now: instantShape.describe('By the clock that is billed by.'),
  state: z.enum(SERVICE_STATES).describe('ended: all its VMs are.'),
  since: instantShape.nullable().describe('null: it has always been so.'),
  clause: z.string().nullable().describe('By which it is suspended.'),
  overdue: z
    .array(
      z.object({
        item: z.string().describe("An invoice's id, or that of a day's charge."),
        day: z.boolean(),
        due_at: instantShape,
        amount: z.string(),
        reminded: z.int().nullable().describe('The level of its last reminder.'),
      }),
    )
    .describe('What is due and not paid, what was due first first.'),
  vms: z.array(
    z.object({
      vm: z.string(),
      state: z.enum(SERVICE_STATES),
      since: instantShape.nullable(),
      paid_until: instantShape.nullable(),
      ends_at: instantShape.nullable(),
      deletes_at: instantShape.nullable().describe('From when its data may be deleted; null: the terms say no day.'),
    }),
  ),
  ahead: z
    .array(z.object({ kind: z.enum(CONSEQUENCE_KINDS), vm: z.string().nullable(), at: instantShape, clause: z.string() }))
    .describe('What follows, and when, if nothing is paid or renewed.'),
  history: z
    .array(
      z.object({
        id: z.string(),
        kind: z.enum(CONSEQUENCE_KINDS),
        vm: z.string().nullable(),
        at: instantShape.describe('When it was carried out: it holds from then.'),
        due_at: instantShape.describe('From when on the terms had it so.'),
        level: z.int().nullable(),
        item: z.string().nullable(),
        amount: z.string().nullable(),
        clause: z.string().nullable(),
        wrong: z.boolean().describe('Of the end of a suspension: what was booked since shows that it should not have been.'),
        by: z.string(),
        recorded_at: instantShape,
      }),
    )
    .describe(`What was carried out, the latest first: at most ${HISTORY_MAX}.`),
});

/** How accounts stand: what follows from what is due. */
export function standingRoutes(api: Api, context: ApiContext): void {
  api.route(
    {
      method: 'GET',
      path: '/v1/accounts/{account}/standing',
      tag: 'billing',
      summary: 'Whether an account and its VMs are served, by which clause not, what was carried out and what is to come',
      roles: ['billing', 'admin'],
      customer: { by: 'account', whole: true },
      params: accountParams,
      answers: { 200: { description: 'How it stands', schema: standingShape } },
      problems: ['invalid_parameter', 'account_unknown', 'store_unavailable'],
    },
    ({ params: { account } }) => {
      const body = context.catalog.account(account)?.body;
      if (body === undefined) throw new ProblemError('account_unknown', `there is no account ${account}`, { account });
      const nowMs = context.businessNow();
      return Promise.resolve({
        ...{ account, now: formatInstant(nowMs) },
        ...standingJson(standingView(context, account, nowMs), body.currency),
      });
    },
  );
}

function standingJson(view: StandingView, currency: string): Record<string, unknown> {
  const shown = (ms: number | null): string | null => (ms === null ? null : formatInstant(ms));
  const { state, sinceMs, clause, overdue, vms, ahead, history } = view;
  return {
    ...{ state, since: shown(sinceMs), clause },
    overdue: overdue.map(({ id, isDay, dueAtMs, unpaidNanos, remindedLevel }) => ({
      ...{ item: id, day: isDay, due_at: formatInstant(dueAtMs), amount: formatAmount(unpaidNanos, currency) },
      reminded: remindedLevel,
    })),
    vms: vms.map((vm) => ({
      ...{ vm: vm.vm, state: vm.state, since: shown(vm.sinceMs), paid_until: shown(vm.paidUntilMs) },
      ...{ ends_at: shown(vm.endsAtMs), deletes_at: shown(vm.deletesAtMs) },
    })),
    ahead: ahead.map(({ kind, vm, atMs, clause: by }) => ({ kind, vm, at: formatInstant(atMs), clause: by })),
    history: history.slice(0, HISTORY_MAX).map((each) => ({
      ...{ id: each.id, kind: each.kind, vm: each.vm, at: formatInstant(each.at), due_at: formatInstant(each.due_at) },
      ...{ level: each.level, item: each.item, clause: each.clause, wrong: each.wrong, by: each.by },
      amount: each.amount_nanos === null ? null : formatAmount(BigInt(each.amount_nanos), each.currency),
      recorded_at: formatInstant(each.recordedAtMs),
    })),
  };
}
