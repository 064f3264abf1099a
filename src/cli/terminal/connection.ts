import type { Command } from 'commander';
import { ApiError } from '../../client/wire/api-error.ts';
import { ApiClient } from '../../client/wire/client.ts';
import { CommandFailure, type CliContext } from './context.ts';

export interface Connection {
  readonly server: string;
  readonly key: string;
}

/** Where the server is and with which key, from the options or the environment. Throws wrong usage when either is missing. */
export function connectionOf(command: Command, context: CliContext): Connection {
  const options = command.optsWithGlobals<{ server?: string; key?: string }>();
  const server = options.server ?? context.env['UPTALLY_SERVER'];
  const key = options.key ?? context.env['UPTALLY_KEY'];
  if (server === undefined || server === '') {
    throw new CommandFailure('which server? give --server URL or set UPTALLY_SERVER', 2);
  }
  if (key === undefined || key === '') throw new CommandFailure('which key? give --key KEY or set UPTALLY_KEY', 2);
  return { server, key };
}

/** Runs something with a client and closes it; a wrong address is wrong usage, any other refusal a failure. */
export async function withClient<T>(
  command: Command,
  context: CliContext,
  use: (client: ApiClient) => Promise<T>,
  options: { timeoutMs?: number } = {},
): Promise<T> {
  const connection = connectionOf(command, context);
  let client: ApiClient | null = null;
  try {
    client = new ApiClient({ ...connection, ...options, now: context.now });
    return await use(client);
  } catch (error) {
    if (error instanceof ApiError) throw new CommandFailure(error.message, error.code === 'bad_server' ? 2 : 1);
    throw error;
  } finally {
    await client?.close();
  }
}
