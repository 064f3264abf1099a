/** What the frame knows of keys: who may ask. Who makes and keeps them is no concern of it. */
export type KeyRole = 'agent' | 'billing' | 'read' | 'admin' | 'customer';

/** Who sent a request. */
export interface Key {
  readonly id: string;
  readonly name: string;
  readonly role: KeyRole;
  /** Patterns of the VMs that it may post for, or ask about; null: all. */
  readonly vms: readonly string[] | null;
  /** The one account whose customer it is; left out: it is of the provider. */
  readonly account?: string;
  /** It changes nothing, whatever its role may. */
  readonly readsOnly?: true;
}

/** What belongs to whom. */
export interface Owners {
  /** The account of a VM; undefined if it is in no catalog. */
  accountOf(vm: string): string | undefined;
}

/** Whom what is posted is counted by. */
export type Sender = Pick<Key, 'id' | 'name' | 'role'>;

/** Somebody at a page, who has shown a key once. */
export interface SessionInForce {
  readonly id: string;
  readonly untilMs: number;
  readonly key: Key;
}

/** The sessions that are not over. */
export interface SessionsInForce {
  /** The session of a cookie's token. */
  findSession(token: string): SessionInForce | undefined;
  isInForce(id: string): boolean;
}

/** The keys in force. */
export interface KeysInForce {
  /** The key that a client presented. */
  findKey(presented: string): Key | undefined;
  /** The key of this id. */
  keyInForce(id: string): Sender | undefined;
}
