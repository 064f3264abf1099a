/** The composition root: which parts a process is made of follows from its configuration. `src/app/` connects them. */
import { startDistributed } from './app/distributed.ts';
import { startEmbedded } from './app/embedded.ts';
import type { App, AppOptions } from './app/parts.ts';

export { type App, type AppOptions, UnsupportedError } from './app/parts.ts';

/** Starts everything; resolves when the server listens. */
export function startApp(options: AppOptions): Promise<App> {
  return options.config.log === 'kafka' ? startDistributed(options) : startEmbedded(options);
}
