/** What the frame knows of keys: who may ask. Who makes and keeps them is no concern of it. */
export type KeyRole = 'agent' | 'billing' | 'read' | 'admin';

/** Who sent a request. */
export interface Key {
  readonly id: string;
  readonly name: string;
  readonly role: KeyRole;
  /** Patterns of the VMs that it may post for; null: all. */
  readonly vms: readonly string[] | null;
}

/** Whom what is posted is counted by. */
export type Sender = Pick<Key, 'id' | 'name' | 'role'>;

/** The keys in force. */
export interface KeysInForce {
  /** The key that a client presented. */
  findKey(presented: string): Key | undefined;
  /** The key of this id. */
  keyInForce(id: string): Sender | undefined;
}
