import { readFileSync } from 'node:fs';

/** The version in package.json, which lies above the sources and above the build alike. */
export function productVersion(): string {
  const up = import.meta.url.endsWith('.js') ? '../../package.json' : '../package.json';
  const { version } = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as { version: string };
  return version;
}
