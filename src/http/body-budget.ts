/** Bytes of bodies that are in memory at once, shared out by keys. */
import type { FastifyInstance } from 'fastify';
import { ProblemError } from '../problems/problem.ts';

/**
 * Bytes of bodies of calls (all but samples, which have a budget of their own) that may be in memory at once, over all connections and keys.
 * What is parsed of JSON takes up to some fifteen times its bytes.
 */
export const CALL_BODIES_BYTES_MAX = 32 * 1024 * 1024;
/** So many keys have room beside each other, whatever they do: a share is this part of the whole, and at least one body. */
const HOLDERS_MIN = 4;

/** A body that takes its bytes from the budget; one at a time reads it. */
export interface Holding {
  /** Whose body it is: the id of its key. */
  readonly holder: string;
  bytes: number;
  /** It is all there: no client is waited for, and it is done with soon. */
  whole: boolean;
  /** Told that its bytes go to others. */
  giveUp: (why: ProblemError) => void;
}

/**
 * Counts the bytes of bodies in memory, and says no before they are too many. Nobody has more than a share; and where all is taken, whoever
 * has more than the one that comes gives up its oldest body, so that a few cannot keep out the many however slowly they send.
 */
export class BodyBudget {
  readonly #bytesMax: number;
  readonly #shareMax: number;
  /** By holder, the oldest first. */
  readonly #holdings = new Map<string, { bytes: number; readonly all: Set<Holding> }>();
  #held = 0;

  /** @param bodyMax what one body may have: a key's share is at least that */
  static shared(bytesMax: number, bodyMax: number): BodyBudget {
    return new BodyBudget(bytesMax, Math.max(bodyMax, Math.floor(bytesMax / HOLDERS_MIN)));
  }

  constructor(bytesMax: number, shareMax: number) {
    this.#bytesMax = bytesMax;
    this.#shareMax = shareMax;
  }

  get held(): number {
    return this.#held;
  }

  /** Throws `too_many_requests` where so many bytes more would be refused. */
  check(holder: string, bytes: number): void {
    const own = this.#holdings.get(holder)?.bytes ?? 0;
    if (own + bytes > this.#shareMax) throw tooMany('too many bytes of bodies of this key are being received at once');
    if (this.#held + bytes > this.#bytesMax && this.#fattestThan(own + bytes) === undefined)
      throw tooMany('too many bodies are being received at once');
  }

  /** Takes bytes for a body. Throws `too_many_requests` when there is no room. */
  take(holding: Holding, bytes: number): void {
    this.check(holding.holder, bytes);
    while (this.#held + bytes > this.#bytesMax) {
      const own = this.#holdings.get(holding.holder)?.bytes ?? 0;
      const fattest = this.#fattestThan(own + bytes);
      const oldest = [...(fattest?.all ?? [])].find(({ whole }) => !whole);
      if (oldest === undefined) throw tooMany('too many bodies are being received at once');
      this.give(oldest);
      oldest.giveUp(tooMany('others needed the room that this body took while it came in'));
    }
    const of = this.#holdings.get(holding.holder) ?? { bytes: 0, all: new Set() };
    this.#holdings.set(holding.holder, of);
    of.all.add(holding);
    of.bytes += bytes;
    holding.bytes += bytes;
    this.#held += bytes;
  }

  /** Gives back all that a body has taken. */
  give(holding: Holding): void {
    const of = this.#holdings.get(holding.holder);
    if (of === undefined || !of.all.delete(holding)) return;
    of.bytes -= holding.bytes;
    this.#held -= holding.bytes;
    holding.bytes = 0;
    if (of.all.size === 0) this.#holdings.delete(holding.holder);
  }

  /** Who has most, if that is more than these bytes. */
  #fattestThan(bytes: number): { readonly bytes: number; readonly all: ReadonlySet<Holding> } | undefined {
    let fattest: { bytes: number; readonly all: ReadonlySet<Holding> } | undefined;
    for (const of of this.#holdings.values()) if (of.bytes > (fattest?.bytes ?? bytes)) fattest = of;
    return fattest;
  }
}

export function tooMany(detail: string): ProblemError {
  return new ProblemError('too_many_requests', detail);
}

/** Whose bodies those are that come without a key: to paths that are none. */
const STRANGERS = '';

/** Counts the bodies of calls from their heads on, as long as what they say until they are answered. Those with another limit than `bodyMax` count themselves. */
export function boundBodies(
  app: FastifyInstance,
  bodyMax: number,
  budget = BodyBudget.shared(CALL_BODIES_BYTES_MAX, bodyMax),
): void {
  app.addHook('preParsing', (request, reply, payload, done) => {
    const announced = Number(
      request.headers['content-length'] ?? (request.headers['transfer-encoding'] === undefined ? 0 : bodyMax),
    );
    // what is too long is refused before it is read
    if (announced === 0 || announced > bodyMax || request.routeOptions.bodyLimit !== bodyMax) {
      done();
      return;
    }
    const holding: Holding = {
      ...{ holder: request.key?.id ?? STRANGERS, bytes: 0, whole: false },
      giveUp: (why) => {
        request.raw.destroy(why);
      },
    };
    try {
      budget.take(holding, announced);
    } catch (error) {
      done(error as ProblemError);
      return;
    }
    payload.once('end', () => {
      holding.whole = true;
    });
    reply.raw.once('close', () => {
      budget.give(holding);
    });
    done();
  });
}
