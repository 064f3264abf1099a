/** `uptally agent --listen`: what its options ask for, and the relay's life beside the agent's. */
import { isIdentifier } from '../../domain/identifier.ts';
import { runRelay, type Address, type RunningRelay } from '../../agent/relay.ts';
import { ApiError } from '../../client/wire/api-error.ts';
import { FolderError } from '../../process/folder.ts';
import { LockedError, type LockLostError } from '../../process/held-lock.ts';
import type { AgentLog } from '../../samples/reading.ts';
import { CommandFailure, type CliContext } from '../terminal/context.ts';
import { textOf } from './agent-sources.ts';

export interface RelayCommandOptions {
  readonly listen?: Address;
  readonly listenUdp?: Address;
  readonly listenSource?: string;
  readonly listenTokenFile?: string;
  readonly spool: string;
  readonly spoolMax: number;
}

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/;

export function listens({ listen, listenUdp }: RelayCommandOptions): boolean {
  return listen !== undefined || listenUdp !== undefined;
}

/** Starts the relay that the options ask for; null: none. Throws CommandFailure. */
export async function startRelay(
  options: RelayCommandOptions,
  connection: { readonly server: string; readonly key: string },
  context: CliContext,
  log: AgentLog,
  onSpoolLost: (error: LockLostError) => void,
): Promise<RunningRelay | null> {
  const { listen, listenUdp, listenSource, listenTokenFile } = options;
  if (!listens(options)) return null;
  const token = listenTokenFile === undefined ? undefined : textOf('--listen-token-file', listenTokenFile).trim();
  if (token !== undefined && !/^[\x21-\x7e]{16,}$/.test(token))
    throw new CommandFailure('--listen-token-file: a token has at least 16 characters, without spaces, on one line', 2);
  if (listen !== undefined && token === undefined && !LOOPBACK.test(listen.host))
    throw new CommandFailure('--listen beyond this host needs --listen-token-file: whoever reaches it could post', 2);
  if (listenUdp !== undefined && !LOOPBACK.test(listenUdp.host))
    throw new CommandFailure('--listen-udp is for this host alone: datagrams carry no token', 2);
  if (listenUdp !== undefined && !isIdentifier(listenSource ?? ''))
    throw new CommandFailure('--listen-udp needs --listen-source: the source that its lines are of', 2);
  try {
    const relay = await runRelay({
      ...connection,
      ...{ spoolDir: options.spool, spoolBytesMax: options.spoolMax, listen, token, log, onSpoolLost },
      lines: listenUdp === undefined ? undefined : { listen: listenUdp, source: listenSource ?? '' },
      ...{ now: context.now, random: context.random, sleep: context.sleep },
    });
    log('info', 'relaying what is posted here', {
      ...(relay.port === null ? {} : { http: `${listen?.host ?? ''}:${relay.port}` }),
      ...(relay.linesPort === null ? {} : { udp: `${listenUdp?.host ?? ''}:${relay.linesPort}` }),
      server: connection.server,
    });
    return relay;
  } catch (error) {
    if (error instanceof ApiError) throw new CommandFailure(error.message, 2);
    if (error instanceof LockedError || error instanceof FolderError) throw new CommandFailure(error.message);
    throw new CommandFailure(`--listen: ${error instanceof Error ? error.message : String(error)}`);
  }
}
