/** The answer of protocols that have none of their own: nothing where all was taken, else what was not and why. */
import type { Receipt, ReceiverAnswer } from './receiver.ts';
import type { Translation } from './translation.ts';

const JSON_TYPE = 'application/json; charset=utf-8';

export function receiptAnswer({ accepted, rejected, errors }: Receipt, translation: Translation): ReceiverAnswer {
  const all = translation.rejected + rejected;
  if (all === 0) return { status: 204, headers: {} };
  const reasons = [...translation.reasons, ...errors.map(({ code, field }) => (field === '' ? code : `${code}: ${field}`))];
  return {
    status: 202,
    headers: { 'content-type': JSON_TYPE },
    body: JSON.stringify({ accepted, rejected: all, reasons: reasons.slice(0, 10) }),
  };
}
