import type { ShownInvoice, ShownLine } from './csv.ts';

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;color:#1b1f24;max-width:60rem;margin:2.5rem auto;padding:0 1.5rem}
h1{font-size:1.6rem;margin:0 0 .3rem}dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1.2rem;margin:1.2rem 0}
dt{color:#59636e}dd{margin:0}table{width:100%;border-collapse:collapse}th{text-align:left;color:#59636e;font-weight:600}
th,td{padding:.45rem .6rem .45rem 0;border-bottom:1px solid #d9dee3;vertical-align:top}.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
small{display:block;color:#59636e}tfoot td{font-weight:700;border-bottom:2px solid #1b1f24}footer{margin-top:2rem;color:#59636e;font-size:.8rem;overflow-wrap:anywhere}
.state{display:inline-block;border:1px solid;border-radius:.3rem;padding:0 .5rem;font-size:.85rem;vertical-align:middle}
@media print{body{margin:0;max-width:none}tr{break-inside:avoid}}`;

/** An invoice as one page of HTML that needs nothing else: to read, to print, to send. Everything in it is escaped. */
export function invoiceHtml(invoice: ShownInvoice): string {
  const title = `${invoice.type === 'credit_note' ? 'Credit note' : 'Invoice'} ${invoice.number ?? ''}`.trim();
  const facts: [string, string | undefined | null][] = [
    ['To', `${invoice.customer.name} (${invoice.account})`],
    ['Period', `${invoice.from} to ${invoice.to}`],
    ['Issued', invoice.issued_at],
    ['Due', invoice.due_at],
    ['Paid', invoice.paid],
    ['Outstanding', invoice.outstanding],
  ];
  return `<!doctype html><html lang="${escaped(invoice.customer.language)}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title><style>${STYLE}</style></head><body>
<h1>${escaped(title)} <span class="state">${escaped(invoice.status)}</span></h1>
<dl>${facts.map(([name, value]) => (value == null ? '' : `<dt>${name}</dt><dd>${escaped(value)}</dd>`)).join('')}</dl>
<table><thead><tr><th>VM</th><th>Item</th><th class="n">Quantity</th><th class="n">Unit price</th><th class="n">Amount (${escaped(invoice.currency)})</th></tr></thead>
<tbody>${invoice.lines.map(row).join('\n')}</tbody>
<tfoot><tr><td colspan="4">Total</td><td class="n">${escaped(invoice.total)}</td></tr></tfoot></table>
<footer>${invoice.sha256 === null ? 'Not final: no number and no digest yet.' : `SHA-256 of the content ${escaped(invoice.sha256.content)}, of the evidence ${escaped(invoice.sha256.evidence)}`}</footer>
</body></html>`;
}

function row(line: ShownLine): string {
  const source = line.query === null ? '' : `<small>Source: ${escaped(line.query)}</small>`;
  return `<tr><td>${escaped(line.vm ?? '')}</td><td>${escaped(line.description)}<small>${escaped(line.formula)}</small>${source}</td>
<td class="n">${escaped(line.quantity)} ${escaped(line.unit)}</td><td class="n">${escaped(line.unit_price)}</td><td class="n">${escaped(line.amount)}</td></tr>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
}
