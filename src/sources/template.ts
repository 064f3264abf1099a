/**
 * Templates of a mapping: literal text with places for labels, `{uuid}`, `{device|lower}`, `{id|re:^(?:qemu|lxc)/(\d+)$}`, and the first of several
 * labels that is there, `{device|network.interface.name}`; with `?` behind the last of them nothing stands where none is. They are written by whoever may set sources, and filled with what senders say: matching is
 * linear in the text (RE2, no backtracking), inputs are cut, and nothing is computed.
 */
import { RE2JS } from 're2js';

/** The labels, tags or attributes of what a sender told, by name. */
export type Labels = ReadonlyMap<string, string>;

/** What a label says is read this far: beyond it nothing names a machine. */
export const LABEL_CHARACTERS_MAX = 256;
const TEMPLATE_CHARACTERS_MAX = 512;
const PLACES_MAX = 8;

/** A template that cannot be used, with what is wrong in it. */
export class TemplateError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TemplateError';
  }
}

interface Place {
  readonly labels: readonly string[];
  readonly lower: boolean;
  readonly optional: boolean;
  readonly expression: RE2JS | null;
}

export interface Template {
  /** Every label that may be read. */
  readonly labels: readonly string[];
  /** The text; undefined where a label that it needs is missing or empty, or an expression does not match. */
  readonly fill: (labels: Labels) => string | undefined;
}

/** Takes a template apart. Throws TemplateError. */
export function parseTemplate(text: string): Template {
  if (text.length > TEMPLATE_CHARACTERS_MAX) throw new TemplateError(`has more than ${TEMPLATE_CHARACTERS_MAX} characters`);
  const parts: (string | Place)[] = [];
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf('{', at);
    if (open < 0) {
      parts.push(text.slice(at));
      break;
    }
    if (open > at) parts.push(text.slice(at, open));
    const close = endOfPlace(text, open);
    parts.push(parsePlace(text.slice(open + 1, close)));
    at = close + 1;
  }
  const places = parts.filter((part) => typeof part !== 'string');
  if (places.length > PLACES_MAX) throw new TemplateError(`has more than ${PLACES_MAX} places for labels`);
  return { labels: places.flatMap(({ labels }) => labels), fill: (labels) => filled(parts, labels) };
}

/** Where the place that opens here is closed: braces within an expression come in pairs. */
function endOfPlace(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '{') depth++;
    else if (text[at] === '}' && --depth === 0) return at;
  }
  throw new TemplateError(`the brace at character ${open + 1} is not closed`);
}

function parsePlace(text: string): Place {
  const expressionAt = text.indexOf('|re:');
  const names = (expressionAt < 0 ? text : text.slice(0, expressionAt)).split('|').map((name) => name.trim());
  const lower = names.length > 1 && names.at(-1) === 'lower';
  const written = lower ? names.slice(0, -1) : names;
  const optional = written.at(-1)?.endsWith('?') === true;
  const labels = written.map((label, i) => (optional && i === written.length - 1 ? label.slice(0, -1) : label));
  if (labels.some((label) => label === '')) throw new TemplateError(`{${text}} names no label`);
  return { labels, lower, optional, expression: expressionAt < 0 ? null : expressionOf(text.slice(expressionAt + 4)) };
}

/** An expression, which has to match the whole text. Throws TemplateError. */
export function expressionOf(source: string): RE2JS {
  try {
    return RE2JS.compile(`^(?:${source})$`);
  } catch (error) {
    throw new TemplateError(`"${source}" is no expression of RE2: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function filled(parts: readonly (string | Place)[], labels: Labels): string | undefined {
  let text = '';
  for (const part of parts) {
    const piece = typeof part === 'string' ? part : filledPlace(part, labels);
    if (piece === undefined) return undefined;
    text += piece;
  }
  return text;
}

function filledPlace({ labels: names, lower, optional, expression }: Place, labels: Labels): string | undefined {
  const name = names.find((each) => (labels.get(each) ?? '') !== '');
  if (name === undefined) return optional ? '' : undefined;
  const found = (labels.get(name) ?? '').slice(0, LABEL_CHARACTERS_MAX);
  const text = lower ? found.toLowerCase() : found;
  if (expression === null) return text;
  const matcher = expression.matcher(text);
  if (!matcher.matches()) return undefined;
  // the first group that took part, else all of it
  for (let group = 1; group <= matcher.groupCount(); group++) {
    const taken = matcher.group(group);
    if (taken !== null && taken !== '') return taken;
  }
  return text;
}
