#!/usr/bin/env node
import { endOnUncaught, endProcess } from '../process/ending.ts';
import { processContext } from './terminal/context.ts';
import { runProgram, type CommandModule } from './program.ts';

// One line a command, in the order of --help.
const modules: readonly Promise<CommandModule>[] = [
  import('./commands/demo.ts'),
  import('./commands/serve.ts'),
  import('./commands/agent.ts'),
  import('./commands/send.ts'),
  import('./commands/status.ts'),
  import('./commands/verify.ts'),
  import('./commands/log.ts'),
  import('./commands/terms.ts'),
  import('./commands/refund-check.ts'),
  import('./commands/keys.ts'),
  import('./commands/portal-links.ts'),
  import('./commands/audit.ts'),
  import('./commands/sources.ts'),
  import('./commands/catalog.ts'),
  import('./commands/outages.ts'),
  import('./commands/silences.ts'),
  import('./commands/incidents.ts'),
  import('./commands/invoices.ts'),
  import('./commands/reconcile.ts'),
  import('./commands/scheduler.ts'),
  import('./commands/webhooks.ts'),
  import('./commands/notices.ts'),
  import('./commands/findings.ts'),
  import('./commands/names.ts'),
  import('./commands/balance.ts'),
  import('./commands/money.ts'),
  import('./commands/statement.ts'),
  import('./commands/payments.ts'),
  import('./commands/events.ts'),
  import('./commands/price-list.ts'),
];

endOnUncaught();
await endProcess(await runProgram(await Promise.all(modules), process.argv.slice(2), processContext()));
