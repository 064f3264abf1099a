/** Whose portal it is: the account of the session, and how much of it. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';

export interface Who {
  readonly role: string;
  readonly account: string | null;
  /** Patterns of VMs, where it is some of them and nothing of the account as a whole. */
  readonly vms: readonly string[] | null;
  readonly reads_only?: boolean;
}

export interface Customer {
  readonly account: string;
  readonly isWhole: boolean;
  readonly readsOnly: boolean;
}

export function customerOf({ role, account, vms, reads_only: readsOnly }: Who): Customer | undefined {
  if (role !== 'customer' || account === null) return undefined;
  return { account, isWhole: vms === null, readsOnly: readsOnly === true };
}

export const CustomerContext = createContext<Customer | undefined>(undefined);

export function useCustomer(): Customer {
  const customer = useContext(CustomerContext);
  if (customer === undefined) throw new Error('the page is shown to nobody');
  return customer;
}
