/** The composition root: which parts a process is made of follows from its configuration. `src/app/` connects them. */
import { startDistributed } from './distributed.ts';
import { startEmbedded } from './one-process.ts';
import type { App, AppOptions } from './parts.ts';

export { type App, type AppOptions, UnsupportedError } from './parts.ts';

/** Starts everything; resolves when the server listens. */
export function startApp(options: AppOptions): Promise<App> {
  return options.config.log === 'kafka' ? startDistributed(options) : startEmbedded(options);
}
