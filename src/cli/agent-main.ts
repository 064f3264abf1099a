#!/usr/bin/env node
/** The agent alone, as one file (scripts/build-agent.js): what `uptally agent` is, without the word. */
import { processContext } from './terminal/context.ts';
import { runProgram } from './program.ts';

const args = process.argv.slice(2);
const named = args[0] === 'agent' || args[0] === '--version';
process.exitCode = await runProgram([await import('./commands/agent.ts')], named ? args : ['agent', ...args], processContext());
