import type { Store } from '../store/store.ts';

/** Where a follower is: all entries up to `seq` were delivered to it. `term` counts how often that was written down. */
export interface Position {
  readonly seq: bigint;
  readonly term: bigint;
}

/** The position kept last under a name; undefined if none ever was. */
export async function readPosition(store: Store, name: string): Promise<Position | undefined> {
  const [row] = await store.rows<{ last: [string, string]; n: string }>(
    'SELECT argMax((toString(seq), toString(term)), (term, kept_at)) AS last, count() AS n FROM followers WHERE name = {name:String}',
    { name },
  );
  if (row === undefined || row.n === '0') return undefined;
  return { seq: BigInt(row.last[0]), term: BigInt(row.last[1]) };
}

/** Keeps a position durably. */
export async function keepPosition(store: Store, name: string, { seq, term }: Position, nowMs: number): Promise<void> {
  await store.command(
    `INSERT INTO followers (name, seq, term, kept_at)
     SELECT {name:String}, {seq:UInt64}, {term:UInt64}, fromUnixTimestamp64Milli({at:Int64}, 'UTC')`,
    { name, seq: seq.toString(), term: term.toString(), at: nowMs },
  );
}
