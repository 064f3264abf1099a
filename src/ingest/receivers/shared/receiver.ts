/**
 * What a receiver is: one protocol in which samples come. The frame of ingest (`plugin.ts`) checks the key, bounds and inflates the body, has what
 * the receiver makes of it judged by the kernel and stored, and answers in the receiver's words. A receiver never sees the log: it says what the
 * kernel is to judge, in one of the formats that the kernel reads, and what came of that it tells its sender.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { KeySpelling } from '../../../http/auth.ts';
import type { Key } from '../../../http/keys.ts';
import type { Operation } from '../../../http/openapi.ts';
import type { BodyFormat } from '../../../kernel/decoder.ts';
import type { ProblemError } from '../../../problems/problem.ts';
import type { Rejection } from '../../../samples/rejection.ts';
import type { Sources } from '../../../sources/sources.ts';

export interface Receiver {
  /** Of the protocol. */
  readonly name: string;
  readonly routes: readonly ReceiverRoute[];
  /** Calls that senders make besides, and that take no samples: a greeting, a question for health. */
  readonly besides?: readonly BesidesRoute[];
  /** How senders spell their key, the usual way first. */
  readonly keys: readonly KeySpelling[];
  /** Ingest workers take it. What is not theirs they forward to the main process, where a body has at most 1 MiB. */
  readonly inWorkers: boolean;
  /** Before it is asked, the catalog and what was stored are looked at again, where other processes write them too. */
  readonly needsCatalog: boolean;
  /** Media types that come often, as they are written in the header; others are taken as well, `open` decides. */
  readonly contentTypes: readonly string[];
  /**
   * Whether a body is to be inflated. Left out: as Content-Encoding says, of which gzip alone is known. A receiver that has compression of its own
   * looks at the header itself, answers false, and bounds what it unpacks. Throws `unsupported_encoding`.
   */
  readonly inflates?: (head: RequestHead) => boolean;
  /** Begins a post by its head alone, before a body is asked for. Throws `unsupported_media_type`, or what else is wrong with it. */
  readonly open: (head: RequestHead) => Exchange;
  /**
   * Says a problem in the words of the protocol: of the key, of the body, of the log. Left out: as a problem document. What it sends again, and
   * what it drops, a sender decides by the status: `retry-after` is in the problem's headers.
   */
  readonly refuse?: (problem: ProblemError, head: Pick<RequestHead, 'headers'>) => ReceiverAnswer;
}

/** A path at which samples are posted, documented as a call of the API. */
export type ReceiverRoute = Omit<Operation, 'method' | 'roles'> & { readonly method: 'POST' | 'PUT' };

/** A call without samples. `roles` null: without a key. */
export interface BesidesRoute extends Operation {
  readonly answer: (head: RequestHead) => ReceiverAnswer;
}

/** What is known of a request before its body. */
export interface RequestHead {
  readonly headers: IncomingHttpHeaders;
  /** As it was sent, with its query. */
  readonly url: string;
  /** Parts of the path by the names of the route. */
  readonly params: unknown;
  readonly query: unknown;
  /** Who posts; null where no key is asked for. */
  readonly key: Key | null;
  /** Sources in force. */
  readonly sources: Sources;
}

/** One post, from its head to its answer; what a receiver must remember of it stands in here. */
export interface Exchange {
  /** In which of the kernel's formats `read` gives samples. */
  readonly format: BodyFormat;
  /**
   * What is judged of a body: the body itself, or its translation, of at most 8 MiB and 50,000 samples. It is a pure function of the bytes and of the
   * receiver's configuration, so that the same post sent again, or cut otherwise, is the same samples. Throws a ProblemError.
   * @param body in pieces as they came; they stay as they are
   */
  readonly read: (body: readonly Uint8Array[]) => readonly Uint8Array[];
  /** The answer when what was accepted is durable. Throws a ProblemError where the protocol has this for no success. */
  readonly answer: (receipt: Receipt, body: readonly Uint8Array[]) => ReceiverAnswer;
}

/** What came of a body whose accepted samples are durable. `index` of a rejection counts the samples that were judged. */
export interface Receipt {
  readonly accepted: number;
  readonly rejected: number;
  /** The first 100. */
  readonly errors: readonly Rejection[];
  /** How many of each code, in the order of REJECTION_CODES. */
  readonly rejectedByCode: readonly number[];
}

export interface ReceiverAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Left out: none. */
  readonly body?: string | Buffer;
}
