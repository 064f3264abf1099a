import { TooLateError, type Virsh } from '../../src/agent/virsh.ts';

export const HANGS = { hangs: true } as const;

/** What a virsh of tests answers to a command: its output, a failure with what is said, or nothing within the limit. */
export type CannedAnswer = string | { readonly error: string } | typeof HANGS;

/** A virsh that answers from a table, by the command's words; what is not in it fails. `asked` keeps what it was asked, by process. */
export function cannedVirsh(answers: Record<string, CannedAnswer>): Virsh & { readonly asked: string[][] } {
  const asked: string[][] = [];
  const answerTo = (args: readonly string[]): CannedAnswer =>
    answers[args.join(' ')] ?? { error: `error: failed to get domain '${args.at(-1) ?? ''}'` };
  return {
    asked,
    run(args) {
      asked.push([args.join(' ')]);
      const answer = answerTo(args);
      if (typeof answer === 'object' && 'hangs' in answer)
        return Promise.reject(new TooLateError('virsh gave no answer within 6 s'));
      return typeof answer === 'string' ? Promise.resolve(answer) : Promise.reject(new Error(answer.error));
    },
    script(commands) {
      asked.push(commands.map((args) => args.join(' ')));
      const given = commands.map(answerTo);
      if (given.some((answer) => answer === HANGS)) return Promise.reject(new TooLateError('virsh gave no answer within 6 s'));
      const outputs = given.map((answer) => (typeof answer === 'string' && answer !== '' ? answer : null));
      return Promise.resolve({
        outputs,
        said: given.map((answer) => (typeof answer === 'object' && 'error' in answer ? answer.error : '')).join('\n'),
      });
    },
  };
}

export interface CannedDomain {
  readonly name: string;
  readonly uuid: string;
  readonly id?: string;
  readonly state?: number;
  readonly reason?: number;
  readonly nics?: readonly {
    readonly device?: string;
    readonly mac: string;
    readonly type?: string;
    readonly rx?: number;
    readonly tx?: number;
  }[];
}

export const uuidOf = (n: number): string => `5b1f0c3e-7d2a-4c18-9e60-${String(n).padStart(12, '0')}`;

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll("'", '&apos;');

/** The answers of a host with these domains, as virsh 4.0 to 11 gives them. */
export function hostOf(domains: readonly CannedDomain[]): Record<string, CannedAnswer> {
  const answers: Record<string, CannedAnswer> = { 'list --all --uuid': domains.map(({ uuid }) => `${uuid}\n`).join('') + '\n' };
  let all = '';
  for (const { name, uuid, id, state = 1, reason = 1, nics = [] } of domains) {
    const counted = nics.filter(({ device, type }) => device !== undefined && type !== 'hostdev');
    let stats = `Domain: '${name}'\n  state.state=${state}\n  state.reason=${reason}\n`;
    if (id !== undefined) stats += `  net.count=${nics.length}\n`;
    counted.forEach(({ device = '', rx = 0, tx = 0 }, i) => {
      stats += `  net.${i}.name=${device}\n  net.${i}.rx.bytes=${rx}\n  net.${i}.tx.bytes=${tx}\n`;
    });
    all += `${stats}\n`;
    answers[`domstats --raw --state --interface ${uuid}`] = stats;
    answers[`domname ${uuid}`] = `${name}\n\n`;
    answers[`domid ${uuid}`] = `${id ?? '-'}\n\n`;
    const interfaces = nics.map(
      ({ device, mac, type = 'bridge' }) =>
        `<interface type='${type}'><mac address='${mac.toUpperCase()}'/>${device === undefined ? '' : `<target dev='${device}'/>`}</interface>`,
    );
    answers[`dumpxml ${uuid}`] =
      `<domain type='kvm'${id === undefined ? '' : ` id='${id}'`}>\n  <name>${escaped(name)}</name>\n  <uuid>${uuid}</uuid>\n` +
      `  <devices>${interfaces.join('\n')}</devices>\n</domain>\n\n`;
  }
  answers['domstats --raw --state --interface'] = all;
  return answers;
}
