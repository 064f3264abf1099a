import type { Server } from 'node:http';
import { Option, type Command } from 'commander';
import { CAUSES } from '../../domain/condition.ts';
import { agentMetrics, relayMetrics, serveMetrics, writeMetricsFile } from '../../agent/agent-metrics.ts';
import { DEFAULT_INTERVAL_MS, DEFAULT_SPOOL_BYTES_MAX, runAgent, type RunningAgent } from '../../agent/agent.ts';
import { WIRE_FORMATS, type WireFormat } from '../../agent/batch.ts';
import { ApiError } from '../../client/wire/api-error.ts';
import { DEFAULT_VIRSH_LIMIT_MS } from '../../agent/libvirt.ts';
import type { AgentLog } from '../../samples/reading.ts';
import { FolderError } from '../../process/folder.ts';
import { LockedError, type LockLostError } from '../../process/held-lock.ts';
import { listens, type RelayCommandOptions, startRelay } from './agent-relay.ts';
import { registerResend } from './agent-resend.ts';
import { readerOf, type SourceOptions, SOURCES } from './agent-sources.ts';
import { printRound } from '../terminal/agent-table.ts';
import { connectionOf } from '../terminal/connection.ts';
import { CommandFailure, interruptible, writeLine, type CliContext } from '../terminal/context.ts';
import { collect, parseAddress, parseDuration, parseSize } from '../terminal/option-values.ts';

/** With `--once`: a second round must not begin while the first is on its way. */
const NEVER_AGAIN_MS = 86_400_000;

const EXAMPLES = `
Sources:
  sysfs     the kernel's interface counters. Without --match or --map it takes the host's ends of guests (tap*, vnet*, vif*,
            veth…i…, any tap device), one for each frame, and turns their directions round: what the host receives there, the
            guest sent.
  libvirt   domains through virsh (read-only): counters by the NIC's MAC address, state and cause from the domain's state
            and reason; docs/guides/agent.md has the table, --cause changes a row of it.
  proxmox   guests of a Proxmox VE cluster (8.2 and newer) through its API, with a read-only token: nothing on the nodes, one agent
            a cluster; what was missed in the last half hour is asked for again.

Relay: with --listen it takes what senders on this host post that try only once (Proxmox VE's metric server, collectd, Ceilometer), keeps it
in the spool, answers at once, and sends it on to where it would have been posted: /v1/receive/PROTOCOL/SOURCE. Alone, or beside a source.

What is read is written to the spool first and sent from there, oldest first, the same bytes at every try. While the
server is away the spool grows up to --spool-max; then the oldest batches are dropped, and the log says so. Stop the
agent with SIGTERM: what is not sent stays in the spool for the next run.

Examples:
  uptally agent --source libvirt --uri qemu:///system --match 'cust-*' --spool /var/lib/uptally-agent
  uptally agent --source sysfs --map tap3=vm-17:net0 --map tap4=vm-18
  uptally agent --source sysfs --vm-from '/^tap(\\d+)i(\\d+)$/'        tap100i1 is VM 100, NIC 1
  uptally agent --source sysfs --match eth0                          this machine's own traffic
  uptally agent --source sysfs --vm-from '/^(?:tap|veth)(\\d+)i(\\d+)$/' --generation proxmox
                                                                     100-1767225600: VM 100 as it was made then
  uptally agent --source proxmox --url https://pve1:8006 --url https://pve2:8006 --token-file /etc/uptally/token \
      --ca /etc/uptally/pve-root-ca.pem
  uptally agent --listen 127.0.0.1:8087 --listen-udp 127.0.0.1:8089 --listen-source pve
  uptally agent --source libvirt --once                              one round, a table of what it saw, then exit: a trial
`;

interface AgentCommandOptions extends SourceOptions, RelayCommandOptions {
  readonly interval: number;
  readonly format: WireFormat;
  readonly once?: boolean;
  readonly metrics?: { readonly host: string; readonly port: number };
  readonly metricsFile?: string;
}

export function register(program: Command, context: CliContext): void {
  const agent = program
    .command('agent')
    .description("measure this host's VMs and post their samples")
    .addOption(new Option('--source <source>', 'what to read').choices(SOURCES))
    .addOption(repeated('--match <pattern>', 'interfaces or domains to pick, with * and ?'))
    .addOption(repeated('--map <name=vm[:nic]>', 'name of the VM (and NIC) of an interface or domain'))
    .addOption(new Option('--interval <time>', 'between two rounds').argParser(parseDuration).default(DEFAULT_INTERVAL_MS, '10s'))
    .option('--spool <dir>', 'folder that keeps samples until the server has them', './uptally-spool')
    .addOption(
      new Option('--spool-max <size>', 'most that the spool may hold')
        .argParser(parseSize)
        .default(DEFAULT_SPOOL_BYTES_MAX, '256MiB'),
    )
    .addOption(
      new Option(
        '--format <format>',
        'how samples are sent: gzipped NDJSON, or the smaller binary format, which takes a server that knows it',
      )
        .choices(WIRE_FORMATS)
        .default('ndjson'),
    )
    .addOption(
      new Option('--direction <view>', "whose view the counters are; auto: host's at taps, else guest's")
        .choices(['auto', 'guest', 'host'])
        .default('auto'),
    )
    .option('--vm-from <rule>', 'sysfs: name, alias or /REGEX/ (group 1 VM, group 2 NIC); libvirt: name or uuid')
    .option(
      '--generation <rule>',
      'what tells a VM from an earlier one of its name: uuid (libvirt), proxmox, or file:PATH with {vm} in it',
    )
    .option(
      '--host <name>',
      "say which host counted (auto: this host's own name), so that VMs may migrate live; off by default: see the guide before you begin",
    )
    .addOption(new Option('--down-cause <cause>', 'sysfs: the cause when a link is down').choices(CAUSES).default('provider'))
    .option('--uri <uri>', 'libvirt: the connection', 'qemu:///system')
    .option('--virsh <path>', 'libvirt: the virsh program', 'virsh')
    .addOption(
      new Option(
        '--virsh-limit <time>',
        'libvirt: how long virsh may take for one question (all domains at once: 3 times, a round: 8)',
      )
        .argParser(parseDuration)
        .default(DEFAULT_VIRSH_LIMIT_MS, '6s'),
    )
    .addOption(new Option('--nic-from <rule>', 'libvirt: what names a NIC').choices(['mac', 'device']).default('mac'))
    .addOption(repeated('--cause <state/reason=cause>', 'libvirt: change a row of the table of states'))
    .addOption(new Option('--sysfs-root <dir>').default('/sys/class/net').hideHelp())
    .addOption(new Option('--metrics <host:port>', 'serve metrics for Prometheus there, without a key').argParser(parseAddress))
    .option('--metrics-file <path>', "write them to a file after each round, for node_exporter's textfile collector (NAME.prom)")
    .addOption(repeated('--url <https-url>', 'proxmox: a member, https://HOST:8006; the next is asked when one does not answer'))
    .option('--token-file <path>', 'proxmox: a file with the API token, USER@REALM!NAME=SECRET; it needs Sys.Audit on /')
    .addOption(repeated('--fingerprint <sha256>', "proxmox: a member's certificate, instead of any authority"))
    .option('--ca <path>', 'proxmox: the authority of their certificates (/etc/pve/pve-root-ca.pem)')
    .addOption(new Option('--listen <host:port>', 'relay what is posted there').argParser(parseAddress))
    .addOption(new Option('--listen-udp <host:port>', "relay Influx' lines that come in datagrams").argParser(parseAddress))
    .option('--listen-source <id>', 'the source that those lines are of')
    .option('--listen-token-file <path>', 'a file with what posters have to show; needed where others than this host reach it')
    .option('--once', 'one round: read, print what was seen, send, exit')
    .addHelpText('after', EXAMPLES)
    .action(async (options: AgentCommandOptions, command: Command) => {
      const log = lineLog(context);
      if (options.source === undefined && !listens(options))
        throw new CommandFailure(`what is to be read? give --source ${SOURCES.join(', ')}, or --listen`, 2);
      if (options.once === true && listens(options))
        throw new CommandFailure('--once is one round of a source: it goes without --listen', 2);
      const reader = options.source === undefined ? null : readerOf(options, log, context);
      const connection = connectionOf(command, context);
      const interrupted = context.interrupted();
      let spoolLost: (error: LockLostError) => void = () => undefined;
      const lost = new Promise<LockLostError>((resolve) => (spoolLost = resolve));
      const lose = (error: LockLostError): void => {
        spoolLost(error);
      };
      const relay = await startRelay(options, connection, context, log, lose);
      let running: RunningAgent | null = null;
      const metrics = async (): Promise<string> => {
        const ofAgent = running === null || reader === null ? '' : await agentMetrics(running.stats(), reader.name);
        return ofAgent + (relay === null ? '' : await relayMetrics(relay.stats()));
      };
      const serve = async (): Promise<Server | null> =>
        options.metrics === undefined
          ? null
          : await serveMetrics(options.metrics, metrics).catch((error: unknown) => {
              throw new CommandFailure(`--metrics: ${error instanceof Error ? error.message : String(error)}`);
            });
      const ended = new Promise<void>((resolve) => {
        interrupted.addEventListener('abort', () => {
          resolve();
        });
        if (interrupted.aborted) resolve();
      });
      const writeFile = inTurn(async (path: string) => {
        await writeMetricsFile(path, await metrics());
      }, log);
      if (reader === null) {
        const scraped = await serve().catch(async (error: unknown) => {
          await relay?.stop();
          throw error;
        });
        const timer = setInterval(() => {
          if (options.metricsFile !== undefined) writeFile(options.metricsFile);
        }, options.interval);
        const takenAway = await Promise.race([ended, lost]);
        clearInterval(timer);
        logStopped(log, await relay?.stop());
        scraped?.close();
        if (takenAway !== undefined) throw new CommandFailure(takenAway.message);
        return;
      }
      // Before anything is sent: a trial is of use without a server too.
      let printed = false;
      const printOnce = (): void => {
        if (printed || running === null || running.stats().readRounds === 0) return;
        printed = true;
        printRound(running.seen(), context);
      };
      const starting = runAgent({
        ...connection,
        reader,
        log,
        spoolDir: options.spool,
        spoolBytesMax: options.spoolMax,
        format: options.format,
        intervalMs: options.once === true ? NEVER_AGAIN_MS : options.interval,
        now: context.now,
        random: context.random,
        sleep: context.sleep,
        onRound: () => {
          if (options.once === true) printOnce();
          if (options.metricsFile !== undefined) writeFile(options.metricsFile);
        },
        onSpoolLost: lose,
      });
      const agent = await interruptible(starting, interrupted).catch(async (error: unknown) => {
        await relay?.stop();
        if (error instanceof ApiError) throw new CommandFailure(error.message, 2);
        if (error instanceof LockedError || error instanceof FolderError) throw new CommandFailure(error.message);
        throw error;
      });
      if (agent === undefined) {
        await relay?.stop();
        log('info', 'stopped before it had started');
        return;
      }
      running = agent;
      if (options.once === true) printOnce();
      const scraped = await serve().catch(async (error: unknown) => {
        await Promise.all([agent.stop(), relay?.stop()]);
        throw error;
      });
      log('info', `reading ${reader.name} every ${options.interval / 1000} s`, {
        server: connection.server,
        spool: options.spool,
      });
      const takenAway = await Promise.race([options.once === true ? agent.drained() : ended, ended, lost]);
      const [stats, relayed] = await Promise.all([agent.stop(), relay?.stop()]);
      scraped?.close();
      if (options.metricsFile !== undefined) await writeMetricsFile(options.metricsFile, await metrics());
      logStopped(log, stats, relayed);
      if (takenAway !== undefined) throw new CommandFailure(takenAway.message);
      if (options.once !== true) return;
      if (stats.readRounds > 0 && stats.metered + stats.stateOnly === 0) {
        const hint = stats.seen === 0 ? `${reader.name} has nothing` : 'the table says why; choose with --match or --map';
        throw new CommandFailure(`nothing was picked: ${hint}`);
      }
      if (stats.failedRounds > 0 || stats.rejectedSamples > 0 || stats.pendingBatches > 0) {
        throw new CommandFailure('the round was not sent whole');
      }
    });
  registerResend(agent, context);
}

function logStopped(log: AgentLog, stats: object | undefined, relayed?: object): void {
  const numbers = (of: object | undefined, prefix = ''): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(of ?? {}).flatMap(([name, value]) => (typeof value === 'number' ? [[prefix + name, value]] : [])),
    );
  log('info', 'stopped', { ...numbers(stats), ...numbers(relayed, 'relay_') });
}

function repeated(flags: string, description: string): Option {
  return new Option(flags, `${description}; may be repeated`).argParser(collect).default([], 'none');
}

/** Does something after each round, one at a time; a round that comes meanwhile is in the next. What fails is said, once in a row. */
function inTurn(write: (path: string) => Promise<void>, log: AgentLog): (path: string) => void {
  let busy = false;
  let failed = false;
  return (path) => {
    if (busy) return;
    busy = true;
    void write(path)
      .then(
        () => (failed = false),
        (error: unknown) => {
          if (!failed) log('error', 'the file of metrics cannot be written', { path, error: String(error) });
          failed = true;
        },
      )
      .finally(() => (busy = false));
  };
}

/** One line an event, `key=value` behind the message, as a service's journal likes it. */
function lineLog(context: CliContext): AgentLog {
  return (level, message, fields) => {
    const pairs = Object.entries(fields ?? {}).map(
      ([key, value]) => `${key}=${typeof value === 'string' ? JSON.stringify(value) : String(value)}`,
    );
    writeLine(context.stderr, [new Date(context.now()).toISOString(), level.toUpperCase(), message, ...pairs].join(' '));
  };
}
