import { execFile } from 'node:child_process';

export interface VirshOptions {
  /** The program; `virsh` on the PATH by default. */
  readonly path?: string;
  readonly uri: string;
  readonly timeoutMs?: number;
}

/** Asks libvirt through its own command, so that no native module has to fit the host's libvirt. */
export interface Virsh {
  /** One command; its output. Throws when virsh fails, with what it said. */
  run(args: readonly string[], signal?: AbortSignal): Promise<string>;
  /**
   * Many commands over one connection; one output each, in order. A command that fails gives an empty output and doesn't
   * disturb the others (a domain may stop between two of them).
   */
  runAll(commands: readonly (readonly string[])[], signal?: AbortSignal): Promise<string[]>;
}

const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
/** Far below the kernel's limit on the length of one argument (128 KiB), names being 64 characters and more. */
const COMMANDS_PER_CALL = 200;
const MARK = '@@uptally';

export function openVirsh(options: VirshOptions): Virsh {
  // Read-only (-r): metering needs no more, and a host may well allow an agent no more.
  const call = (args: readonly string[], failing: 'throws' | 'ignored', signal?: AbortSignal): Promise<string> =>
    new Promise((resolve, reject) => {
      execFile(
        options.path ?? 'virsh',
        ['-r', '-c', options.uri, ...args],
        {
          timeout: options.timeoutMs ?? 30_000,
          maxBuffer: OUTPUT_BYTES_MAX,
          env: { ...process.env, LC_ALL: 'C', LANGUAGE: 'C' },
          ...(signal === undefined ? {} : { signal }),
        },
        (error, stdout, stderr) => {
          if (error === null || (failing === 'ignored' && typeof error.code === 'number')) {
            resolve(stdout);
            return;
          }
          const said = stderr.trim().split('\n').slice(0, 2).join(' ');
          reject(new Error(said === '' ? `virsh could not be run: ${error.message}` : said, { cause: error }));
        },
      );
    });

  return {
    run: (args, signal) => call(args, 'throws', signal),
    async runAll(commands, signal) {
      const outputs: string[] = [];
      for (let first = 0; first < commands.length; first += COMMANDS_PER_CALL) {
        const chunk = commands.slice(first, first + COMMANDS_PER_CALL);
        const script = chunk.map((command, i) => `echo ${MARK} ${i}; ${command.map(quoted).join(' ')}`).join('; ');
        outputs.push(...splitAtMarks(await call([script], 'ignored', signal), chunk.length));
      }
      return outputs;
    },
  };
}

/** A word for virsh's own little shell. */
function quoted(word: string): string {
  return `"${word.replace(/[\\"]/g, '\\$&')}"`;
}

function splitAtMarks(text: string, count: number): string[] {
  const outputs = new Array<string>(count).fill('');
  for (const part of text.split(`${MARK} `).slice(1)) {
    const end = part.indexOf('\n');
    if (end > 0) outputs[Number(part.slice(0, end))] = part.slice(end + 1);
  }
  return outputs;
}
