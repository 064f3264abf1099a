import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { EmbeddedAcceptance } from '../../log-tool/embedded-tool.ts';
import type { Config } from '../../process/config.ts';
import type { Decision } from '../../log-tool/decision.ts';
import type { Store } from '../../store/store.ts';
import { CommandFailure, writeLine, type CliContext } from '../terminal/context.ts';
import { parseCount } from '../terminal/option-values.ts';
import { acceptanceLines, embeddedLines, kafkaLines } from '../terminal/log-lines.ts';

interface Decided {
  readonly by: string;
  readonly why: string;
  readonly giveUp?: string;
}

/** What can be decided, whatever the log is. */
interface Plan {
  readonly givesUp: string;
  readonly explanation: string;
  readonly confirm: (decision: Decision) => Promise<unknown>;
}

interface Tool {
  show(): Promise<{ readonly view: object; readonly lines: string[] }>;
  planSkip(options: SkipOptions): Promise<Plan>;
  planAccept(): Promise<Plan>;
}

interface SkipOptions extends Decided {
  readonly record?: number;
  readonly partition?: number;
  readonly from?: number;
  readonly until?: number;
}

const EXAMPLES = `
The environment is that of the server (UPTALLY_DATA_DIR, UPTALLY_CLICKHOUSE_URL, UPTALLY_LOG …). With the embedded log the server must be
stopped. What is given up has to be typed, and is shown by uptally verify and GET /v1/status for ever, with who and why.

Examples:
  uptally log show
  uptally log skip --record 4711 --by ann --why 'memory of host 3, ticket 17'
  uptally log accept --by ann --why 'disk of the log died' --give-up 'everything after record 149'
`;

/** `uptally log`: the way past a log that is not the database's, or that is damaged. */
export function register(program: Command, context: CliContext): void {
  const log = program
    .command('log')
    .description('look at the log and the database that belong together, and get past what is lost or damaged')
    .addHelpText('after', EXAMPLES);

  log
    .command('show')
    .description('which log there is, which one the database names, how far both go, what is damaged and what was given up')
    .option('--json', 'as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      await withTool(context, async (tool) => {
        const { view, lines } = await tool.show();
        if (json === true) writeLine(context.stdout, JSON.stringify(view, bigintsAsTexts, 2));
        else for (const line of lines) writeLine(context.stdout, line);
      });
    });

  decided(log.command('skip'))
    .description('let a record or message pass that cannot be read')
    .option('--record <n>', 'embedded log: the record', parseCount)
    .option('--partition <n>', 'Kafka: the partition', parseCount)
    .option('--from <n>', 'Kafka: the first position that is let pass', parseCount)
    .option('--until <n>', 'Kafka: the first position after it (default: one message)', parseCount)
    .action(async (options: SkipOptions) => {
      await withTool(context, async (tool) => {
        await carryOut(context, await tool.planSkip(options), options);
      });
    });

  decided(log.command('accept'))
    .description('go on with the log that is there, or a new one, in the place of the one that the database names')
    .action(async (options: Decided) => {
      await withTool(context, async (tool) => {
        await carryOut(context, await tool.planAccept(), options);
      });
    });
}

function decided(command: Command): Command {
  return command
    .requiredOption('--by <name>', 'who decides: stays on record')
    .requiredOption('--why <text>', 'why: stays on record')
    .option('--give-up <text>', 'what is given up, as the command says it when this is left out')
    .addHelpText('after', EXAMPLES);
}

async function carryOut(context: CliContext, plan: Plan, { by, why, giveUp }: Decided): Promise<void> {
  writeLine(context.stdout, `${plan.explanation}.`);
  if (giveUp !== plan.givesUp)
    throw new CommandFailure(
      giveUp === undefined
        ? `nothing is done yet: type --give-up '${plan.givesUp}' to have it done`
        : `--give-up '${giveUp}' is not what would be given up: '${plan.givesUp}'`,
    );
  await plan.confirm({ who: by, why });
  writeLine(context.stdout, 'Done, and on record. Start the server.');
}

async function withTool(context: CliContext, use: (tool: Tool) => Promise<void>): Promise<void> {
  const [{ readConfig, ConfigError }, { withSecretFiles }, { LogToolError }] = await Promise.all([
    import('../../process/config.ts'),
    import('../../process/secret-files.ts'),
    import('../../log-tool/decision.ts'),
  ]);
  const { LockedError } = await import('../../process/held-lock.ts');
  const { isUnusableLog } = await import('../../log/identity.ts');
  try {
    const config = readConfig(withSecretFiles(context.env));
    await (config.log === 'kafka' ? withKafka(context, config, use) : withEmbedded(context, config, use));
  } catch (error) {
    if (error instanceof ConfigError) throw new CommandFailure(error.message, 2);
    if (error instanceof LogToolError || error instanceof LockedError || isUnusableLog(error))
      throw new CommandFailure(error.message);
    throw error;
  }
}

/** Opens the database, and takes the data folder before where it or the log is in it: a server that runs has it. */
async function withDatabase(context: CliContext, config: Config, use: (store: Store) => Promise<void>): Promise<void> {
  const [{ lockFolder }, { makeLogger }, { openStore }, { migrate }, { clusterOf }, { endAtOnce }] = await Promise.all([
    import('../../app/parts.ts'),
    import('../../http/bare-server.ts'),
    import('../../store/open.ts'),
    import('../../store/migrations.ts'),
    import('../../store/cluster.ts'),
    import('../../process/ending.ts'),
  ]);
  const onFatal = (error: Error): never => endAtOnce(error.message);
  const isInFolder = config.log === 'embedded' || config.clickhouseUrl === undefined;
  const lock = isInFolder ? await lockFolder({ config, logger: makeLogger('error'), now: context.now, onFatal }) : undefined;
  try {
    const store = await openStore(config);
    try {
      await migrate(store, { nowMs: context.now(), cluster: clusterOf(config) });
      await use(store);
    } finally {
      await store.close();
    }
  } finally {
    await lock?.release();
  }
}

async function withEmbedded(context: CliContext, config: Config, use: (tool: Tool) => Promise<void>): Promise<void> {
  const [{ embeddedLogTool }, { openCheckpoints }, { NO_FAULTS, faultsOf }, { killSelf }] = await Promise.all([
    import('../../log-tool/embedded-tool.ts'),
    import('../../aggregate/checkpoint.ts'),
    import('../../process/faults.ts'),
    import('../../process/ending.ts'),
  ]);
  await withDatabase(context, config, async (store) => {
    const tool = embeddedLogTool({
      ...{ path: join(config.dataDir, 'log'), store, now: context.now, randomBytes },
      checkpoints: openCheckpoints(join(config.dataDir, 'checkpoints'), NO_FAULTS),
      faults: faultsOf(context.env, killSelf),
    });
    await use({
      async show() {
        const view = await tool.show();
        return { view, lines: embeddedLines(view) };
      },
      planSkip({ record }): Promise<EmbeddedAcceptance> {
        if (record === undefined) throw new CommandFailure('--record says which record is let pass', 2);
        return tool.planSkip(record);
      },
      planAccept: () => tool.planAccept(),
    });
  });
}

async function withKafka(context: CliContext, config: Config, use: (tool: Tool) => Promise<void>): Promise<void> {
  const [{ kafkaClient }, { kafkaLogTool }, { faultsOf }, { killSelf }] = await Promise.all([
    import('../../log/kafka/connection.ts'),
    import('../../log-tool/kafka.ts'),
    import('../../process/faults.ts'),
    import('../../process/ending.ts'),
  ]);
  if (config.kafka === undefined) throw new CommandFailure('UPTALLY_KAFKA_BROKERS must name at least one broker', 2);
  const { kafka: settings } = config;
  await withDatabase(context, config, async (store) => {
    const tool = kafkaLogTool({
      ...{ kafka: kafkaClient(settings, () => undefined), settings, store, now: context.now, randomBytes },
      faults: faultsOf(context.env, killSelf),
    });
    await use({
      async show() {
        const view = await tool.show();
        return { view, lines: kafkaLines(view) };
      },
      planSkip({ partition, from, until = (from ?? 0) + 1 }) {
        if (partition === undefined || from === undefined)
          throw new CommandFailure('--partition and --from say what is let pass', 2);
        const range = { partition, from, until };
        const givesUp = `partition ${partition} from ${from} until ${until}`;
        return Promise.resolve({
          ...{ givesUp, explanation: `Messages of ${givesUp} are let pass` },
          confirm: (decision) => tool.skip(range, decision),
        });
      },
      async planAccept() {
        const { confirm, ...acceptance } = await tool.accept();
        return {
          givesUp: `everything up to position ${acceptance.base}`,
          explanation: acceptanceLines(acceptance).join('\n  '),
          confirm,
        };
      },
    });
  });
}

function bigintsAsTexts(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
