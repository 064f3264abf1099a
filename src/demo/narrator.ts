import type { Writable } from 'node:stream';
import { tableLines } from '../process/text-table.ts';

/** Writes the demo's story: headings, lines with the time since the start, and tables. Plain text, wherever it goes. */
export interface Narrator {
  heading(text: string): void;
  /** Something happened now. */
  event(text: string): void;
  line(text?: string): void;
  table(heading: readonly string[], rows: readonly (readonly (string | number)[])[]): void;
}

export function narrator(stdout: Writable, now: () => number): Narrator {
  const startMs = now();
  const line = (text = ''): void => void stdout.write(`${text}\n`);
  return {
    line,
    heading: (text) => {
      line();
      line(text);
      line('-'.repeat(text.length));
    },
    event: (text) => {
      line(`  ${((now() - startMs) / 1000).toFixed(1).padStart(5)} s  ${text}`);
    },
    table: (heading, rows) => {
      for (const each of tableLines(heading, rows)) line(`  ${each}`);
    },
  };
}

/** `20.0 MB`, for what happens; tables have every byte. */
export function megabytes(bytes: bigint | number): string {
  return `${(Number(bytes) / 1e6).toFixed(1)} MB`;
}

/** `12345678` as `12,345,678`. */
export function grouped(value: bigint | number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `10:31:05` of an instant, UTC. */
export function clock(instant: string | number): string {
  return new Date(instant).toISOString().slice(11, 19);
}
