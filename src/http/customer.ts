/**
 * What a key of one account sees: its own, and nothing that tells of others. A call is closed to it unless it says how it is cut down, and most of that
 * is done here, before its handler: what is not the customer's is answered as what is not there.
 */
import type { FastifyRequest } from 'fastify';
import { matchesAny } from '../domain/pattern.ts';
import { ProblemError } from '../problems/problem.ts';
import { oneFieldProblem } from '../problems/field-problems.ts';
import type { Key, Owners } from './keys.ts';

/**
 * How a call is cut down: its path names a VM, or an account; its query's `account` is the key's own, whether it is named or not; or its handler sees to it. A
 * `without` parameter tells of others, and is not taken. Of `whole` are calls that tell of all VMs of an account at once: not for keys of some VMs.
 */
export interface CustomerCut {
  readonly by: 'vm' | 'account' | 'account_of_query' | 'handler';
  readonly without?: readonly string[];
  readonly whole?: true;
}

/** Whose key a request has, if it is of one account. */
export function customerOf({ key }: Pick<FastifyRequest, 'key'>): CustomerKey | undefined {
  return key?.role === 'customer' ? { account: accountOf(key), vms: key.vms } : undefined;
}

export interface CustomerKey {
  readonly account: string;
  /** Patterns; null: all of the account's. */
  readonly vms: readonly string[] | null;
}

/** Whether a customer sees a VM: of its account, and among those that its key names. */
export function seesVm({ account, vms }: CustomerKey, owners: Owners, vm: string): boolean {
  return owners.accountOf(vm) === account && (vms === null || matchesAny(vms, vm));
}

export function vmHidden(vm: string): ProblemError {
  return new ProblemError('vm_unknown', `there is no VM ${vm}`, { vm });
}

export function accountHidden(account: string): ProblemError {
  return new ProblemError('account_unknown', `there is no account ${account}`, { account });
}

/** Refuses what is not the customer's, and answers the query as it is carried out. Throws as for what is not there, or `forbidden`. */
export function cutDown(
  request: FastifyRequest,
  { by, without = [], whole }: CustomerCut,
  owners: Owners | undefined,
): { query: unknown } {
  const { query } = request;
  const customer = customerOf(request);
  if (customer === undefined) return { query };
  if (whole === true && customer.vms !== null)
    throw new ProblemError('forbidden', 'a key of some VMs of an account may not do this: it tells of all of them');
  const given = query as Readonly<Record<string, unknown>>;
  for (const name of without)
    if (given[name] !== undefined || saysCursor(given['cursor'], name))
      throw oneFieldProblem('invalid_parameter', name, 'is not taken of a key of role customer');
  const params = request.params as Readonly<Record<string, string>>;
  switch (by) {
    case 'vm': {
      const vm = params['vm'] ?? params['id'] ?? '';
      if (owners === undefined || !seesVm(customer, owners, vm)) throw vmHidden(vm);
      return { query };
    }
    case 'account': {
      const account = params['account'] ?? params['id'] ?? '';
      if (account !== customer.account) throw accountHidden(account);
      return { query };
    }
    case 'account_of_query': {
      const { account } = given;
      if (account !== undefined && account !== customer.account) throw accountHidden(typeof account === 'string' ? account : '');
      return { query: { ...given, account: customer.account } };
    }
    case 'handler':
      return { query };
  }
}

/** Whether a cursor, which anybody can write, asks by a parameter. */
function saysCursor(cursor: unknown, name: string): boolean {
  if (typeof cursor !== 'string') return false;
  try {
    const read: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    const query: unknown = typeof read === 'object' && read !== null && 'query' in read ? read.query : undefined;
    return typeof query === 'object' && query !== null && name in query;
  } catch {
    return false;
  }
}

function accountOf({ id, account }: Key): string {
  if (account === undefined) throw new Error(`key ${id} of role customer has no account`);
  return account;
}
