import type { Command } from 'commander';
import { clockOf } from '../../process/clock.ts';
import { type CliContext, CommandFailure, interruptible, writeLine } from '../terminal/context.ts';

/** Below this, a key can be guessed: the server starts, and says so. */
const ADMIN_KEY_LENGTH_SAFE = 16;

/** After a fatal error: time for the requests under way to hear their 503, and for the message. */
const FATAL_GRACE_MS = 500;

/** `uptally serve`: the server, configured by the environment. */
export function register(program: Command, context: CliContext): void {
  program
    .command('serve')
    .description('Run the server: ingest, aggregation and API in one process')
    .addHelpText(
      'after',
      `
Everything is configured by environment variables; docs/reference/configuration.md has all. The ones most asked for:

  UPTALLY_PORT=8080            where it listens (127.0.0.1 unless UPTALLY_HOST says otherwise)
  UPTALLY_DATA_DIR=./data      log, checkpoints and the embedded ClickHouse; terms sheets of your own in its folder terms
  UPTALLY_ADMIN_KEY=...        the first key; without it one is made and printed once
  UPTALLY_CLOCK=event          for history: time is what the samples say it is (with UPTALLY_RETENTION_DAYS=0)

Examples:
  $ UPTALLY_ADMIN_KEY=change-me-please-1234 uptally serve
  $ UPTALLY_PORT=0 UPTALLY_DATA_DIR=/var/lib/uptally uptally serve

SIGINT and SIGTERM finish what was begun, store it and save the state. kill -9 loses nothing that was answered either.`,
    )
    .action(() => serve(context));
}

async function serve(context: CliContext): Promise<void> {
  // first, so that a signal is never more than the wish to stop
  const interrupted = context.interrupted();
  // loaded here, so that the other commands start without the server's parts
  const [
    { startApp, UnsupportedError },
    { ConfigError, readConfig },
    { makeLogger },
    { faultsOf },
    { endAtOnce, endProcess, isEnding, killSelf },
    { productVersion },
    { withSecretFiles },
    { letHeapGrow },
  ] = await Promise.all([
    import('../../app/start.ts'),
    import('../../process/config.ts'),
    import('../../http/bare-server.ts'),
    import('../../process/faults.ts'),
    import('../../process/ending.ts'),
    import('../../process/version.ts'),
    import('../../process/secret-files.ts'),
    import('../../process/heap.ts'),
  ]);
  const { LockedError, LockLostError } = await import('../../process/held-lock.ts');
  const { ProductClock } = await import('../../process/product-clock.ts');
  const { FolderError } = await import('../../process/folder.ts');
  const { isUnusableLog } = await import('../../log/identity.ts');
  const { TermsError } = await import('../../terms/library.ts');
  const { randomBytes } = await import('node:crypto');
  let started = false;
  try {
    const config = readConfig(withSecretFiles(context.env));
    const logger = makeLogger(config.logLevel);
    if (config.adminKey !== undefined && config.adminKey.length < ADMIN_KEY_LENGTH_SAFE) {
      logger.warn(
        `UPTALLY_ADMIN_KEY has fewer than ${ADMIN_KEY_LENGTH_SAFE} characters: good for a trial, not for a server that others can reach`,
      );
    }
    letHeapGrow();
    // evidence and digests of keys are nobody else's to read
    process.umask(0o077);
    const clock = new ProductClock({
      clocks: { wallMs: clockOf(context.env, context.now) },
      note: (message) => {
        logger.error(message);
      },
    });
    const starting = startApp({
      config,
      version: productVersion(),
      logger,
      now: () => clock.nowMs(),
      clock,
      randomBytes,
      faults: faultsOf(context.env, killSelf),
      onFatal: (error) => {
        // at once: what this process still has under way would go into another's folder. The logger writes later than that.
        if (error instanceof LockLostError) endAtOnce(error.message);
        // what is closed for the end fails those who still work with it
        if (isEnding()) return;
        if (isUnusableLog(error)) logger.fatal(`the server stops: ${error.message}`);
        // the state on disk is good; a supervisor starts the process again, and the log is replayed
        else logger.fatal({ err: error }, 'the server stops: what was answered is safe, start it again');
        // a start may still say itself why it fails; closing the engine first would wait for what the end may be about
        setTimeout(() => {
          if (started) killSelf();
          else void endProcess(1);
        }, FATAL_GRACE_MS);
      },
    });
    const app = await interruptible(starting, interrupted);
    if (app === undefined) {
      // as after kill -9: whatever was answered is on disk, and the next start goes on from there
      logger.info('stopped before it had started');
      return;
    }
    started = true;
    if (app.adminKey !== undefined) {
      writeLine(context.stderr, `The admin key, shown only this once: ${app.adminKey}`);
    }
    logger.info({ url: app.url }, 'listening');
    writeLine(context.stdout, `uptally listens on ${app.url} (API: ${app.url}/docs, documents: ${app.url}/guides)`);
    if (!interrupted.aborted) {
      await new Promise<void>((resolve) => {
        interrupted.addEventListener('abort', () => {
          resolve();
        });
      });
    }
    logger.info('stopping');
    await app.close();
  } catch (error) {
    if (error instanceof ConfigError) throw new CommandFailure(error.message, 2);
    if (error instanceof TermsError) throw new CommandFailure(error.message, 2);
    if (error instanceof UnsupportedError) throw new CommandFailure(error.message, 2);
    if (error instanceof LockedError || error instanceof FolderError) throw new CommandFailure(error.message);
    if (isUnusableLog(error)) throw new CommandFailure(error.message);
    throw error;
  }
}
