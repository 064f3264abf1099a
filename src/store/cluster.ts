/**
 * The same tables on a cluster. What belongs to a VM is sharded by the VM's name: `NAME_local` on every node holds a shard's rows, and
 * NAME is the Distributed table over them that everything reads and writes. The rest (catalog, progress, checkpoints, migrations)
 * is one table with a copy on every node: entries of the catalog are claimed one after another, which takes one place to claim them.
 *
 * Migrations are written for one server; here each statement becomes those of a cluster. It knows what migrations are made of, and refuses
 * anything else: a statement that reached one node alone would be found much later.
 */
import type { ClickHouseSettings } from '@clickhouse/client';
import { literal } from './rowbinary.ts';
import { DATABASE } from './store.ts';

export interface Cluster {
  readonly name: string;
  /** False: no replicas, plain engines (what is lost with a node is lost). */
  readonly replicated: boolean;
}

/** The cluster that the configuration names, if any. */
export function clusterOf(config: { clickhouseCluster: string | undefined; clickhouseReplicated: boolean }): Cluster | undefined {
  const { clickhouseCluster: name, clickhouseReplicated: replicated } = config;
  return name === undefined ? undefined : { name, replicated };
}

/** Sharded by the VM's name. */
const SHARDED: ReadonlySet<string> = new Set(['samples', 'uptime', 'traffic', 'outages', 'anomalies']);

/** Settings of every statement on a cluster. */
export const CLUSTER_SETTINGS: ClickHouseSettings = {
  // An insert is done when the shards have it, and a majority of each shard's replicas.
  distributed_foreground_insert: 1,
  insert_quorum: 'auto',
  // Readers and writers take the first replica that is alive, in the configuration's order: what was written is read.
  load_balancing: 'in_order',
  prefer_localhost_replica: 0,
  // Of tables written by claims nothing is read from a replica that has not got all of them.
  select_sequential_consistency: '1',
  // A sharded table inside IN or JOIN of another: its rows are gathered once, and sent to the shards. Without it such a statement is refused.
  distributed_product_mode: 'global',
};

/** What a claim adds: each is a majority's before the next, so that no two can be in force. */
export const CLAIM_IN_CLUSTER: readonly string[] = ["insert_quorum = 'auto'", 'insert_quorum_parallel = 0'];

const CREATE = /^CREATE TABLE IF NOT EXISTS (\w+)/;
const ALTER = /^ALTER TABLE (\w+)/;
const ENGINE = /ENGINE = (\w*MergeTree)(?:\(([^()]*)\))?/;

/** The statements that one of a migration becomes on a cluster. Throws on what it does not know. */
export function onCluster(statement: string, cluster: Cluster): string[] {
  const body = statement.replace(/^(\s*--.*\n)+/, '').trim();
  const on = ` ON CLUSTER ${literal(cluster.name)}`;
  const created = CREATE.exec(body)?.[1];
  if (created !== undefined) {
    const name = SHARDED.has(created) ? localName(created) : created;
    const local = settingsOf(engineOf(body.replace(CREATE, `CREATE TABLE IF NOT EXISTS ${name}${on}`), name, cluster), cluster);
    return SHARDED.has(created) ? [local, distributed(created, on, cluster.name)] : [local];
  }
  const altered = ALTER.exec(body)?.[1];
  if (altered === undefined) throw new Error(`not a statement for a cluster: ${body.slice(0, 60)}`);
  const name = SHARDED.has(altered) ? localName(altered) : altered;
  const statements = [settingsOf(body.replace(ALTER, `ALTER TABLE ${name}${on}`), cluster)];
  // Columns are in both tables; indexes, TTLs and settings belong to the one that holds the rows.
  if (SHARDED.has(altered) && /\b(ADD|MODIFY|DROP|RENAME) COLUMN\b/.test(body))
    statements.push(body.replace(ALTER, `ALTER TABLE ${altered}${on}`).replace(/,\s*MODIFY ORDER BY \([^()]*\)/, ''));
  return statements;
}

/** The table that holds a table's rows. */
export function localName(table: string): string {
  return SHARDED.has(table) ? `${table}_local` : table;
}

function distributed(table: string, on: string, cluster: string): string {
  const local = localName(table);
  return (
    `CREATE TABLE IF NOT EXISTS ${table}${on} AS ${local} ` +
    `ENGINE = Distributed(${literal(cluster)}, ${literal(DATABASE)}, ${literal(local)}, cityHash64(vm))`
  );
}

function engineOf(statement: string, name: string, { replicated }: Cluster): string {
  if (!replicated) return statement;
  return statement.replace(ENGINE, (_, engine: string, args: string | undefined) => {
    // a sharded table has its replicas within the shard, any other one on every node
    const [path, replica] = name.endsWith('_local') ? ['{shard}', '{replica}'] : ['all', '{shard}-{replica}'];
    const own = [literal(`/clickhouse/tables/${path}/${DATABASE}/${name}`), literal(replica)];
    return `ENGINE = Replicated${engine}(${[...own, ...(args ?? '').split(',').filter((arg) => arg.trim() !== '')].join(', ')})`;
  });
}

/** A replicated table keeps its tokens in Keeper, under another name. */
function settingsOf(statement: string, { replicated }: Cluster): string {
  if (!replicated) return statement;
  return statement.replaceAll('non_replicated_deduplication_window', 'replicated_deduplication_window');
}
