#!/usr/bin/env node
import { processContext } from './context.ts';
import { runProgram, type CommandModule } from './program.ts';

// One line a command, in the order of --help.
const modules: readonly Promise<CommandModule>[] = [
  import('./demo.ts'),
  import('./serve.ts'),
  import('./agent.ts'),
  import('./send.ts'),
  import('./status.ts'),
  import('./verify.ts'),
  import('./log.ts'),
  import('./terms.ts'),
  import('./refund-check.ts'),
  import('./keys.ts'),
  import('./catalog.ts'),
  import('./incidents.ts'),
  import('./invoices.ts'),
  import('./reconcile.ts'),
  import('./findings.ts'),
  import('./balance.ts'),
];

process.exitCode = await runProgram(await Promise.all(modules), process.argv.slice(2), processContext());
