/**
 * Whether names fit, asked before anything of a request is written. The kernel has room for so many VMs and interfaces, and forgets none by itself: the
 * first half of the room is for whoever comes first, of the second each key of an agent has a share, so that none can keep all others out.
 */
import type { Sender } from '../http/keys.ts';
import type { LogWriter } from '../log/log.ts';
import { KnownNames } from './names/known-names.ts';
import { hasShare, nameRefusal } from './names/refusal.ts';
import type { NameShares } from './name-shares.ts';
import { isWithin, type Names, NO_NAMES, type Room, type RoomOptions, roomOf, sum } from './names/names.ts';

/** How far the kernel is that takes in what the log holds. */
export interface TakenIn {
  /** The last record taken in; -1 before the first. */
  readonly aggregatedSeq: number;
  readonly aggregatedSamples: bigint;
  /** Places that names have. */
  readonly vmSlots: number;
  readonly nicSlots: number;
  /** The entry of the catalog up to which its marks were taken in: names that it has forgotten are forgotten. */
  readonly catalogSeq: bigint;
}

/** Who knows every name that ever was taken in: the aggregator's thread, wherever it runs. */
export interface NameKeeper {
  progress(): TakenIn;
  /** Resolves when the progress satisfies the condition; rejects when it never will. */
  until(condition: (progress: TakenIn) => boolean): Promise<void>;
  /** How many names in these frames it does not know yet. */
  newNames(frames: Uint8Array): Promise<Names>;
}

export interface AdmissionOptions extends RoomOptions {
  readonly log: Pick<LogWriter, 'headSeq' | 'samplesAppended'>;
  readonly aggregator: NameKeeper;
  readonly shares: NameShares;
  /** The entry of the catalog that forgot names last, which the kernel may not have come to; left out: none did. */
  readonly forgettingSeq?: bigint;
}

/** A request that names what the kernel does not know, or may not know. */
interface Waiting {
  readonly frames: Uint8Array;
  readonly sender: Sender;
  readonly append: () => Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #room: Room;
  readonly #known = new KnownNames();
  /** Samples handed to the log and not yet durable. */
  #inFlight = 0;
  /** Requests that need the aggregator's word about their names: all that wait are answered by one. */
  #waiting: Waiting[] = [];
  #checking = false;
  /** The newest entry of the catalog that forgets names, from when on its mark may be in the log. */
  #forgettingSeq: bigint;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#forgettingSeq = options.forgettingSeq ?? 0n;
    this.#room = roomOf(options);
  }

  /** Samples in the log, or on their way into it, that the kernel has not taken in. */
  get pending(): number {
    const { log, aggregator } = this.#options;
    return Number(log.samplesAppended - aggregator.progress().aggregatedSamples) + this.#inFlight;
  }

  /**
   * Appends a request whose names fit; throws `capacity_full` with nothing appended where they don't.
   * @param frames of the request; only looked at until the first await
   * @param append puts it into the log, at once or later. `keep` makes it independent of the caller's buffers
   */
  async admit(
    samples: number,
    frames: Uint8Array,
    sender: Sender,
    append: () => Promise<void>,
    keep: () => () => Promise<void>,
  ): Promise<void> {
    this.#inFlight += samples;
    try {
      if (this.#fitsForSure(sender) || this.#known.has(frames)) await append();
      else await this.#check(new Uint8Array(frames), sender, keep());
    } finally {
      this.#inFlight -= samples;
    }
  }

  /**
   * The mark of this entry of the catalog, which forgets names, is about to be appended: what is remembered of names counts no more, and keys
   * have all of their shares again.
   */
  forget(catalogSeq: bigint): void {
    this.#forgettingSeq = catalogSeq;
    this.#known.clear();
    this.#options.shares.beginAnew(catalogSeq);
  }

  /** Whether what the kernel knows may be forgotten before it comes to what is appended now. */
  get #isForgetting(): boolean {
    return this.#options.aggregator.progress().catalogSeq < this.#forgettingSeq;
  }

  /** Would everything that is under way fit even if every sample named a new VM and a new interface? */
  #fitsForSure(sender: Sender): boolean {
    const { vmSlots, nicSlots } = this.#options.aggregator.progress();
    const { vms, nics } = hasShare(sender) ? this.#room.open : this.#room.max;
    return vmSlots + this.pending <= vms && nicSlots + this.pending <= nics;
  }

  /**
   * Where room is short, or so far ahead of the aggregator that all might be new: what names nothing new goes in at once, since a name that is
   * known stays known until names are forgotten. The rest waits, together with all others that do, until the kernel has seen what came before, and is asked again.
   */
  async #check(frames: Uint8Array, sender: Sender, append: () => Promise<void>): Promise<void> {
    const forgettingSeq = this.#forgettingSeq;
    const names = await this.#options.aggregator.newNames(frames);
    if (names.vms === 0 && names.nics === 0 && forgettingSeq === this.#forgettingSeq && !this.#isForgetting) {
      this.#known.add(frames);
      await append();
      return;
    }
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ frames, sender, append, resolve, reject });
      if (!this.#checking) void this.#checkWaiting();
    });
  }

  async #checkWaiting(): Promise<void> {
    this.#checking = true;
    while (this.#waiting.length > 0) {
      const round = this.#waiting.splice(0);
      try {
        await this.#checkRound(round);
      } catch (error) {
        for (const { reject } of round) reject(error);
      }
    }
    this.#checking = false;
  }

  async #checkRound(round: readonly Waiting[]): Promise<void> {
    const { log, aggregator } = this.#options;
    const { max, open } = this.#room;
    const head = log.headSeq;
    const forgettingSeq = this.#forgettingSeq;
    await aggregator.until((progress) => progress.aggregatedSeq >= head - 1 && !(progress.catalogSeq < forgettingSeq));
    const names = await Promise.all(round.map(({ frames }) => aggregator.newNames(frames)));
    if (forgettingSeq !== this.#forgettingSeq) {
      // what was known may be forgotten by now, and its place another's
      this.#waiting.unshift(...round);
      return;
    }
    const { vmSlots, nicSlots } = aggregator.progress();
    const before: Names = { vms: vmSlots, nics: nicSlots };
    let used = before;
    const again: Waiting[] = [];
    const granted: Promise<void>[] = [];
    for (const [i, request] of round.entries()) {
      const added = names[i] ?? NO_NAMES;
      const after = sum(used, added);
      const ofShare = hasShare(request.sender) && !isWithin(after, open);
      if (isWithin(after, max) && !(ofShare && this.#exceedsShare(request.sender, added))) {
        used = after;
        granted.push(this.#let(request, ofShare ? added : undefined));
      } else if (used.vms > vmSlots || used.nics > nicSlots) {
        // perhaps it names what others of this round bring in: then it fits, in the next one
        again.push(request);
      } else {
        const { sender } = request;
        const brought = this.#options.shares.broughtBy(sender.id);
        request.reject(nameRefusal({ sender, added, used: before, brought, room: this.#room }));
      }
    }
    // the next round counts what is in the log: all that was let in must be on its way there
    await Promise.all(granted);
    this.#waiting.unshift(...again);
  }

  /** Resolves when the request is on its way into the log, or will never be. @param granted of the key's share */
  async #let({ sender, append, resolve, reject }: Waiting, granted: Names | undefined): Promise<void> {
    if (granted === undefined) {
      append().then(resolve, reject);
      return;
    }
    const { shares } = this.#options;
    const refuse = (error: unknown): void => {
      shares.giveBack(sender.id, granted);
      reject(error);
    };
    try {
      await shares.grant(sender.id, granted);
    } catch (error) {
      refuse(error);
      return;
    }
    append().then(resolve, refuse);
  }

  #exceedsShare(sender: Sender, added: Names): boolean {
    return !isWithin(sum(this.#options.shares.broughtBy(sender.id), added), this.#room.share);
  }
}
