import { PAPER_POLICY, paperHtml } from '../paper/html.ts';
import { paperPdf } from '../pdf/paper.ts';
import { decisionPaper } from '../refund/decision-paper.ts';
import { readDecision } from '../refund/decision-shape.ts';

/** A kept refund check as a letter, from its JSON text. */
export function decisionPage(json: string): { html: string; policy: string } {
  return { html: paperHtml(decisionPaper(readDecision(json))), policy: PAPER_POLICY };
}

export function decisionFile(json: string): Promise<Buffer> {
  return paperPdf(decisionPaper(readDecision(json)));
}
