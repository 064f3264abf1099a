/** A copy of a document that somebody kept: checked by itself, and against the server where one is given. */
import { z } from 'zod';
import { Disagreed, type Disagreement } from './disagreement.ts';
import { type CheckedDocument, checkDocument, disagreedAbout, nameOf, sha256 } from './document.ts';
import { contentShape, type DocumentContent, readShaped } from './document-shapes.ts';
import { parseExact } from './exact-json.ts';
import { type Reader, VerifyError } from './reader.ts';

/** `GET /v1/invoices/{id}?part=copy`. */
const copyShape = z.looseObject({
  content: z.string(),
  evidence: z.string(),
  sha256: z.object({ content: z.string(), evidence: z.string() }),
});
/** `GET /v1/invoices/{id}`: the content, and after it the state, which moves on. */
const answerShape = z.looseObject({ id: z.string(), sha256: z.object({ content: z.string(), evidence: z.string() }) });

export interface CheckedCopy {
  readonly disagreement: Disagreement | null;
  readonly name: string;
  readonly content: DocumentContent;
  /** Null: the copy came without its evidence, so that only its digest and its sum could be checked. */
  readonly checked: CheckedDocument | null;
  readonly digests: { readonly content: string; readonly evidence: string };
  /** Of the document on the server; null: none was asked. */
  readonly status: string | null;
}

/** Throws `VerifyError` for a text that is no copy of a final document. */
export async function checkCopy(text: string, reader: Reader | null): Promise<CheckedCopy> {
  const copy = readCopy(text);
  const content = readShaped('the document', copy.content, contentShape);
  const name = nameOf(content);
  const found = { name, content, checked: null, digests: copy.sha256, status: null };
  try {
    const checked = copy.evidence === null ? null : checkDocument({ ...copy, evidence: copy.evidence });
    const status = reader === null ? null : await compareWithServer(reader, name, content.id, copy.sha256);
    return { ...found, disagreement: null, checked, status };
  } catch (error) {
    if (!(error instanceof Disagreed)) throw error;
    return { ...found, disagreement: error.what };
  }
}

function readCopy(text: string): { content: string; evidence: string | null; sha256: CheckedCopy['digests'] } {
  const json = parseExact(text);
  const whole = copyShape.safeParse(json);
  if (whole.success) return whole.data;
  const answer = answerShape.safeParse(json);
  if (!answer.success)
    throw new VerifyError(
      'this is no copy of a final document: take GET /v1/invoices/ID?part=copy, or GET /v1/invoices/ID as it came',
    );
  return { content: contentWithin(text, answer.data.sha256.content), evidence: null, sha256: answer.data.sha256 };
}

/** The content is the beginning of the answer, up to one of its members: the one that the digest fits, or else the last that it may be. */
function contentWithin(text: string, digest: string): string {
  const state = ',"status":';
  let candidate = '';
  for (let at = text.indexOf(state); at !== -1; at = text.indexOf(state, at + 1)) {
    candidate = withoutLineIds(`${text.slice(0, at)}}`);
    if (sha256(candidate) === digest) return candidate;
  }
  const content = contentShape.safeParse(parseExact(candidate));
  const name = content.success ? nameOf(content.data) : 'the document';
  throw new VerifyError(
    `${name}: the SHA-256 of the content is ${sha256(candidate)}, it was issued with ${digest}: changed, or laid out anew`,
  );
}

/** The content as it was issued: an answer names each line by its place, which is no part of it. */
function withoutLineIds(content: string): string {
  const from = content.indexOf('"lines":[');
  if (from < 0) return content;
  let line = 0;
  const lines = content.slice(from).replaceAll(/\{"id":"(\d+)",/g, (given, id: string) => {
    if (id !== String(line)) return given;
    line++;
    return '{';
  });
  return content.slice(0, from) + lines;
}

async function compareWithServer(reader: Reader, name: string, id: string, digests: CheckedCopy['digests']): Promise<string> {
  const shape = z.looseObject({ status: z.string(), sha256: z.object({ content: z.string(), evidence: z.string() }).nullable() });
  const kept = await reader.find(`v1/invoices/${encodeURIComponent(id)}`, shape);
  if (kept === null) throw disagreedAbout(name, { field: "the server's document" }, null, id);
  for (const part of ['content', 'evidence'] as const)
    if (kept.sha256?.[part] !== digests[part])
      throw disagreedAbout(
        name,
        { field: `the server's document, SHA-256 of the ${part}` },
        kept.sha256?.[part] ?? null,
        digests[part],
      );
  return kept.status;
}
