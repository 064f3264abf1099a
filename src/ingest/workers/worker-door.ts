/** The door of an ingest worker: bodies are decoded and judged here, and stored by the main process, which alone has the log. */
import type { Key } from '../../http/keys.ts';
import type { BodyFormat } from '../../kernel/decoder.ts';
import { samplesRecord } from '../../log/record.ts';
import { Judge, type JudgeOptions, type SampleDoor } from '../judge.ts';
import type { Receipt } from '../receivers/shared/receiver.ts';
import type { MainLink } from './main-link.ts';

export class WorkerDoor implements SampleDoor {
  readonly #judge: Judge;
  readonly #main: MainLink;

  constructor(main: MainLink, options: JudgeOptions) {
    this.#main = main;
    this.#judge = new Judge(options);
  }

  /** Throws while the main process does not keep up. */
  refuseNow(): void {
    this.#main.refuseWhenFull();
  }

  async take(body: readonly Uint8Array[], format: BodyFormat, key: Key): Promise<Receipt> {
    this.refuseNow();
    // what holds no good sample is handed over as well: its refusals are counted there, and the key may just have been revoked
    return this.#judge.take(body, format, key, ({ accepted, frames, rejectedByCode }) =>
      this.#main.store(
        key.id,
        accepted === 0
          ? { accepted, rejectedByCode }
          : { accepted, rejectedByCode, record: samplesRecord(key.name, accepted, frames) },
      ),
    );
  }
}
