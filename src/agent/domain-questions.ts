/**
 * Questions about many domains, of which any may fail or hang. Whoever answers is not made to wait long for who does not: domains are
 * asked together, and where that takes too long each by itself; one that kept us waiting is asked by itself in the next round too, beside
 * the others. Everything has a limit: a question, and a round.
 */
import { firstLines, TooLateError, type Virsh } from './virsh.ts';

export interface QuestionLimits {
  /** For one question: about the host's list of domains, or about one domain. */
  readonly questionMs: number;
  /** For one question about all domains at once. */
  readonly hostMs: number;
  /** For a round altogether. */
  readonly roundMs: number;
}

export type Answer = { readonly text: string } | { readonly failed: string };

/** A domain as virsh is asked about it. */
export interface Asked {
  /** UUID, or a name that means nothing else. */
  readonly selector: string;
}

/** Far below the kernel's limit on the length of one argument (128 KiB), names being 64 characters and more. */
const QUESTIONS_PER_CALL = 200;
/** What each further question in a call may add to the time of the first. */
const FURTHER_QUESTION_MS = 20;
/** Processes of virsh at once, where domains are asked by themselves. */
const AT_ONCE = 8;

export class DomainQuestions {
  readonly #virsh: Virsh;
  readonly #limits: QuestionLimits;
  /** Who kept us waiting in the last round. */
  #slow: ReadonlySet<string> = new Set();

  constructor(virsh: Virsh, limits: QuestionLimits) {
    this.#virsh = virsh;
    this.#limits = limits;
  }

  /** Whether the last round had domains that did not answer in time: then all are not asked with one question. */
  get anySlow(): boolean {
    return this.#slow.size > 0;
  }

  begin(signal?: AbortSignal): QuestionRound {
    return new QuestionRound(this.#virsh, this.#limits, this.#slow, signal, (slow) => (this.#slow = slow));
  }
}

/** The questions of one round. A domain that did not answer in time is not asked anything more in it. */
export class QuestionRound {
  readonly #virsh: Virsh;
  readonly #limits: QuestionLimits;
  readonly #slowBefore: ReadonlySet<string>;
  readonly #signal: AbortSignal | undefined;
  readonly #remember: (slow: ReadonlySet<string>) => void;
  readonly #endMs: number;
  readonly #slow = new Map<string, string>();

  constructor(
    virsh: Virsh,
    limits: QuestionLimits,
    slowBefore: ReadonlySet<string>,
    signal: AbortSignal | undefined,
    remember: (slow: ReadonlySet<string>) => void,
  ) {
    this.#virsh = virsh;
    this.#limits = limits;
    this.#slowBefore = slowBefore;
    this.#signal = signal;
    this.#remember = remember;
    this.#endMs = performance.now() + limits.roundMs;
  }

  /** A question about the host. Throws when it fails. */
  host(args: readonly string[], limitMs: number): Promise<string> {
    return this.#virsh.run(args, { limitMs: Math.min(limitMs, this.#leftMs()), signal: this.#signal });
  }

  /** One question for each item, about the domain that it belongs to; answers in the items' order. Never throws but when the round is given up. */
  async each<T>(items: readonly T[], domainOf: (item: T) => Asked, command: (item: T) => readonly string[]): Promise<Answer[]> {
    const answers = new Array<Answer>(items.length).fill({ failed: 'was not asked' });
    const together: number[] = [];
    const alone: number[] = [];
    items.forEach((item, i) => {
      const { selector } = domainOf(item);
      const why = this.#slow.get(selector);
      if (why !== undefined) answers[i] = { failed: why };
      else (this.#slowBefore.has(selector) ? alone : together).push(i);
    });
    const commandAt = (i: number): readonly string[] => {
      const item = items[i];
      if (item === undefined) throw new RangeError(`no item ${i}`);
      return command(item);
    };
    const askAlone = async (i: number): Promise<void> => {
      const selector = selectorAt(items, i, domainOf);
      const known = this.#slow.get(selector);
      answers[i] = known === undefined ? await this.#one(selector, commandAt(i)) : { failed: known };
    };
    const askTogether = async (): Promise<void> => {
      for (let first = 0; first < together.length; first += QUESTIONS_PER_CALL) {
        const part = together.slice(first, first + QUESTIONS_PER_CALL);
        const limitMs = this.#limits.questionMs + part.length * FURTHER_QUESTION_MS;
        try {
          const { outputs, said } = await this.#virsh.script(part.map(commandAt), {
            limitMs: Math.min(limitMs, this.#leftMs()),
            signal: this.#signal,
          });
          part.forEach((i, k) => {
            const text = outputs[k];
            answers[i] = typeof text === 'string' ? { text } : { failed: wordsFor(selectorAt(items, i, domainOf), said) };
          });
        } catch (error) {
          this.#signal?.throwIfAborted();
          if (!(error instanceof TooLateError)) for (const i of part) answers[i] = { failed: messageOf(error) };
          else await inPool(part, askAlone);
        }
      }
    };
    await Promise.all([askTogether(), inPool(alone, askAlone)]);
    this.#signal?.throwIfAborted();
    return answers;
  }

  async #one(selector: string, args: readonly string[]): Promise<Answer> {
    const limitMs = Math.min(this.#limits.questionMs, this.#leftMs());
    if (limitMs <= 0) return { failed: "the round's time was up before it could be asked" };
    try {
      return { text: await this.#virsh.run(args, { limitMs, signal: this.#signal }) };
    } catch (error) {
      if (error instanceof TooLateError) {
        this.#slow.set(selector, error.message);
        this.#remember(new Set(this.#slow.keys()));
      }
      return { failed: messageOf(error) };
    }
  }

  /** To be called when the round is over: who was quick this time is asked together with the others again. */
  end(): void {
    this.#remember(new Set(this.#slow.keys()));
  }

  #leftMs(): number {
    return Math.max(1, this.#endMs - performance.now());
  }
}

function selectorAt<T>(items: readonly T[], i: number, domainOf: (item: T) => Asked): string {
  const item = items[i];
  return item === undefined ? '' : domainOf(item).selector;
}

async function inPool(indexes: readonly number[], ask: (i: number) => Promise<void>): Promise<void> {
  const queue = [...indexes];
  const worker = async (): Promise<void> => {
    for (let i = queue.shift(); i !== undefined; i = queue.shift()) await ask(i);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, indexes.length) }, worker));
}

/** Of what one virsh said about many domains, the line that names this one. */
function wordsFor(selector: string, said: string): string {
  const own = said.split('\n').find((line) => line.includes(selector));
  return (own ?? firstLines(said)) || 'virsh gave an empty answer';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
