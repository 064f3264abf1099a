/**
 * A line of Influx's line protocol (docs.influxdata.com, "Line protocol"): measurement, tags, fields, instant. Values of fields stay text, since a
 * counter beyond 2^53 is no float; what is a number, a word or a quoted text is told apart by how it is written.
 */

/** Bytes that a line may have. */
export const LINE_CHARACTERS_MAX = 64 * 1024;
/** Tags and fields that a line may have together. */
const MEMBERS_MAX = 1024;

export interface Line {
  readonly measurement: string;
  /** Tags, and fields beside them; of one name the field. */
  readonly labels: ReadonlyMap<string, string>;
  /** Digits, in the precision of the post; null: the line has none. */
  readonly at: string | null;
}

/** What is wrong with a line, in a few words. */
export class LineError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'LineError';
  }
}

/** Takes a line apart. Throws LineError. */
export function parseLine(text: string): Line {
  if (text.length > LINE_CHARACTERS_MAX) throw new LineError(`is longer than ${LINE_CHARACTERS_MAX} characters`);
  const cursor = new Cursor(text);
  const measurement = cursor.name(', ');
  if (measurement === '') throw new LineError('has no measurement');
  const labels = new Map<string, string>();
  const set = (name: string, value: string): void => {
    if (labels.size >= MEMBERS_MAX) throw new LineError(`has more than ${MEMBERS_MAX} tags and fields`);
    labels.set(name, value);
  };
  while (cursor.take(',')) {
    const name = cursor.name('=, ');
    if (name === '' || !cursor.take('=')) throw new LineError('has a tag without name or value');
    const value = cursor.name(', ');
    if (value === '') throw new LineError(`has nothing in tag ${name}`);
    set(name, value);
  }
  if (!cursor.take(' ')) throw new LineError('has no fields');
  cursor.spaces();
  do {
    const name = cursor.name('=, ');
    if (name === '' || !cursor.take('=')) throw new LineError('has a field without name or value');
    set(name, cursor.take('"') ? cursor.quoted() : valueOf(name, cursor.upTo(', ')));
  } while (cursor.take(','));
  if (!cursor.done && !cursor.take(' ')) throw new LineError('has something behind a field');
  cursor.spaces();
  const at = cursor.upTo(' ');
  cursor.spaces();
  if (!cursor.done) throw new LineError('has something behind its instant');
  if (at !== '' && !/^-?\d{1,19}$/.test(at)) throw new LineError('has an instant that is no whole number');
  return { measurement, labels, at: at === '' ? null : at };
}

/** A value that is not quoted: digits with i or u behind them, a float, or true and false. */
function valueOf(name: string, text: string): string {
  const whole = /^(-?\d+)[iu]$/.exec(text)?.[1];
  if (whole !== undefined) return whole;
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return text;
  if (/^(?:t|T|true|True|TRUE)$/.test(text)) return 'true';
  if (/^(?:f|F|false|False|FALSE)$/.test(text)) return 'false';
  throw new LineError(`has a field ${name} that is no number, text or truth`);
}

class Cursor {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get done(): boolean {
    return this.#at === this.#text.length;
  }

  take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  spaces(): void {
    while (this.#text[this.#at] === ' ') this.#at++;
  }

  /** A name up to one of these characters, which stands in it behind a backslash; a backslash before any other stands for itself. */
  name(ends: string): string {
    let name = '';
    for (; this.#at < this.#text.length; this.#at++) {
      const character = this.#text[this.#at] ?? '';
      const next = this.#text[this.#at + 1] ?? '';
      if (character === '\\' && next !== '' && ',= '.includes(next)) {
        name += next;
        this.#at++;
      } else if (ends.includes(character)) break;
      else name += character;
    }
    return name;
  }

  upTo(ends: string): string {
    const from = this.#at;
    while (!this.done && !ends.includes(this.#text[this.#at] ?? '')) this.#at++;
    return this.#text.slice(from, this.#at);
  }

  /** Text whose quote was opened. */
  quoted(): string {
    let text = '';
    for (; this.#at < this.#text.length; this.#at++) {
      const character = this.#text[this.#at] ?? '';
      const next = this.#text[this.#at + 1] ?? '';
      if (character === '"') {
        this.#at++;
        return text;
      }
      if (character === '\\' && (next === '"' || next === '\\')) {
        text += next;
        this.#at++;
      } else text += character;
    }
    throw new LineError('has a text whose quote is not closed');
  }
}
