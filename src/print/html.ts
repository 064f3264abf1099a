import { createHash } from 'node:crypto';
import type { ShownInvoice } from './invoice-shape.ts';
import { type Fact, type Page, pageOf, type Source } from './page.ts';
import type { PageRow } from './page-rows.ts';
import { legendOf, type Picture, pictureOf } from './picture.ts';
import { type Box, type Ink, INKS, type Strip } from './strip.ts';
import type { Labels } from './words/labels.ts';

const STYLE = `*{box-sizing:border-box}
body{font:15px/1.5 system-ui,"Noto Sans","Noto Sans CJK TC","PingFang TC","Microsoft JhengHei",sans-serif;color:#1b1f24;background:#fff;max-width:60rem;margin:2.5rem auto;padding:0 1.5rem}
bdi{unicode-bidi:isolate}h1{font-size:1.9rem;line-height:1.2;margin:0}h2{font-size:1.05rem;margin:2.2rem 0 .5rem}
.top{display:flex;justify-content:space-between;align-items:flex-start;gap:1rem;flex-wrap:wrap}
.state{border:2px solid;border-radius:.35rem;padding:.15rem .7rem;font-weight:700;letter-spacing:.02em}
.open{color:#7a4b00}.paid{color:#14532d}.void{color:#8e1b1b}.not_final{color:#fff;background:#8e1b1b;border-color:#8e1b1b}
.who{display:grid;grid-template-columns:1fr 1fr 1.3fr;gap:1.5rem;margin:1.8rem 0}.who h2{font-size:.8rem;color:#59636e;margin:0 0 .2rem;font-weight:600}
.who p{margin:0;overflow-wrap:anywhere}.who p:first-of-type{font-weight:600}
dl{display:grid;align-content:start;grid-template-columns:max-content 1fr;gap:.05rem 1rem;margin:0}dt{color:#59636e}dd{margin:0;overflow-wrap:anywhere}
.headline{background:#f1f4f6;border-radius:.35rem;padding:.7rem 1rem;display:flex;justify-content:space-between;align-items:baseline;gap:1rem;margin-bottom:1.6rem}
.headline b{font-size:1.4rem;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto}table{width:100%;border-collapse:collapse}th{text-align:left;color:#59636e;font-weight:600;font-size:.85rem;vertical-align:bottom}
th,td{padding:.45rem .8rem .45rem 0;border-bottom:1px solid #d9dee3}td{vertical-align:top}th:last-child,td:last-child{padding-right:0}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.id{color:#59636e;font-variant-numeric:tabular-nums}.vm{font-weight:600;overflow-wrap:anywhere;min-width:8rem}
small{display:block;color:#59636e;font-size:.8rem;line-height:1.4}tfoot td{border-bottom:0;padding-top:.2rem;padding-bottom:.2rem}tfoot tr:first-child td{padding-top:.7rem}
tfoot .strong td{font-weight:700}svg{display:block;width:100%;height:auto}figure{margin:0 0 1rem}figcaption{font-size:.85rem;margin-bottom:.2rem}figcaption span{color:#59636e}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;font-size:.8rem;color:#59636e;margin:.2rem 0 1rem;padding:0;list-style:none}.legend li{display:flex;align-items:center;gap:.35rem}.legend svg{width:12px;height:12px}
.vms{display:grid;grid-template-columns:repeat(auto-fill,minmax(19rem,1fr));gap:.2rem 1.6rem}
.sources td{border:0;padding:.08rem .8rem .08rem 0;font-size:.75rem;vertical-align:baseline}.sources td:first-child{white-space:nowrap;color:#59636e}.sources td:last-child{overflow-wrap:anywhere;word-break:break-all}
.formulas{font-size:.85rem}sup{font-size:.7em}sup a{text-decoration:none}.digests{font-size:.8rem;overflow-wrap:anywhere}a{color:#1d4f80}
@media(max-width:40rem){.who{grid-template-columns:1fr}}
@page{size:A4;margin:16mm 15mm}
@media print{body{margin:0;padding:0;max-width:none;font-size:10pt}tr,figure{break-inside:avoid}thead{display:table-header-group}h2{break-after:avoid}.scroll{overflow:visible}.vms{grid-template-columns:1fr 1fr}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}`;

const STYLE_DIGEST = createHash('sha256').update(STYLE, 'utf8').digest('base64');

/** What a browser may do with such a page: show it. The style is named by its digest; nothing is loaded, run, sent or framed. */
export const HTML_POLICY = `default-src 'none'; style-src 'sha256-${STYLE_DIGEST}'; base-uri 'none'; form-action 'none'`;

/** Of the pictures on a page. */
export const SIZES = {
  account: { width: 840, uptime: 44, gap: 8, traffic: 44 },
  vm: { width: 400, uptime: 16, gap: 4, traffic: 18 },
};

/** An invoice as one page of HTML that needs nothing else: to read, to print, to send. Everything in it is escaped. */
export function invoiceHtml(invoice: ShownInvoice): string {
  const page = pageOf(invoice);
  const { labels, language } = page.words;
  const picture = pictureOf(invoice.usage_days, SIZES, page.words);
  return `<!doctype html>
<html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="${escaped(HTML_POLICY)}">
<title>${escaped([page.title, page.author].filter((part) => part !== null).join(' – '))}</title><style>${STYLE}</style></head><body>
<header class="top"><h1>${escaped(page.title)}</h1><div class="state ${page.state.tone}">${escaped(page.state.text)}</div></header>
<section class="who">${party(labels.from, page.seller)}${party(labels.billTo, page.customer)}<dl>${page.facts.map(fact).join('')}</dl></section>
<div class="headline"><span>${escaped(page.headline.label)}</span><b>${escaped(page.headline.text)}</b></div>
${linesTable(page)}
${paragraphs(labels.toPay, page.payment)}${paragraphs(labels.notes, page.notes)}
${picture === null ? '' : pictureHtml(picture, labels)}
${formulasHtml(page)}
${sourcesHtml(page.sources, labels)}
<section><h2>${escaped(labels.digests)}</h2>${
    page.digests.length === 0
      ? `<p>${escaped(labels.notFinal)}</p>`
      : `<p>${escaped(labels.digestText)}</p><dl class="digests">${page.digests.map(fact).join('')}</dl>`
  }</section>
</body></html>
`;
}

function party(label: string, lines: readonly string[]): string {
  if (lines.length === 0) return '<div></div>';
  return `<div><h2>${escaped(label)}</h2>${lines.map((line) => `<p>${isolated(line)}</p>`).join('')}</div>`;
}

function fact({ label, text }: Fact): string {
  return `<dt>${escaped(label)}</dt><dd>${isolated(text)}</dd>`;
}

function paragraphs(label: string, lines: readonly string[]): string {
  if (lines.length === 0) return '';
  return `<section><h2>${escaped(label)}</h2>${lines.map((line) => `<div>${isolated(line)}</div>`).join('')}</section>`;
}

function linesTable({ words: { labels }, amountHead, rows, totals }: Page): string {
  const head = `<th scope="col">#</th><th scope="col">${escaped(labels.vm)}</th><th scope="col">${escaped(labels.item)}</th>${[
    labels.quantity,
    labels.unitPrice,
    amountHead,
  ]
    .map((text) => `<th scope="col" class="n">${escaped(text)}</th>`)
    .join('')}`;
  const foot = totals.map(
    ({ label, text, strong }) =>
      `<tr${strong ? ' class="strong"' : ''}><td colspan="5" class="n">${escaped(label)}</td><td class="n">${escaped(text)}</td></tr>`,
  );
  return `<div class="scroll"><table><thead><tr>${head}</tr></thead>
<tbody>${rows.map(row).join('\n')}</tbody>
<tfoot>${foot.join('')}</tfoot></table></div>`;
}

function row({ line, vm, description, formula, more, quantity, unitPrice, amount }: PageRow): string {
  return `<tr><td class="id">${line}</td><td class="vm">${isolated(vm)}</td><td>${isolated(description)} <sup><a href="#f-${formula}">${formula}</a></sup>${more
    .map((text) => `<small>${isolated(text)}</small>`)
    .join(
      '',
    )}</td><td class="n">${escaped(quantity)}</td><td class="n">${escaped(unitPrice)}</td><td class="n">${escaped(amount)}</td></tr>`;
}

/** The pictures of a document's days. */
export function pictureHtml({ account, vms, note }: Picture, labels: Labels): string {
  const legend = legendOf(labels).map(
    ([ink, text]) =>
      `<li><svg viewBox="0 0 12 12" aria-hidden="true"><path fill="${INKS[ink]}" d="M0 0h12v12h-12z"/></svg>${escaped(text)}</li>`,
  );
  return `<section><h2>${escaped(labels.usage)}</h2>
${stripHtml(account, 0, true)}<ul class="legend">${legend.join('')}</ul>
${note === null ? '' : `<p>${escaped(note)}</p>`}<div class="vms">${vms.map((strip, i) => stripHtml(strip, i + 1, false)).join('\n')}</div></section>`;
}

const TICKS_HEIGHT = 16;

function stripHtml({ name, summary, width, height, boxes, ticks }: Strip, index: number, withTicks: boolean): string {
  const dates = withTicks
    ? ticks.map(({ x, text }) => `<text x="${short(x)}" y="${height + 13}" font-size="11" fill="#59636e">${escaped(text)}</text>`)
    : [];
  const byInk = new Map<Ink, Box[]>();
  for (const box of boxes) byInk.set(box.ink, [...(byInk.get(box.ink) ?? []), box]);
  const paths = Array.from(byInk, ([ink, list]) => {
    const d = list.map(({ x, y, w, h }) => `M${short(x)} ${short(y)}h${short(w)}v${short(h)}h${short(-w)}z`).join('');
    return `<path fill="${INKS[ink]}" d="${d}"/>`;
  });
  return `<figure><figcaption><bdi><b>${escaped(name)}</b></bdi> <span>${escaped(summary)}</span></figcaption>
<svg viewBox="0 0 ${width} ${height + (withTicks ? TICKS_HEIGHT : 0)}" role="img" aria-labelledby="t${index} d${index}"><title id="t${index}">${escaped(name)}</title><desc id="d${index}">${escaped(summary)}</desc>${paths.join('')}${dates.join('')}</svg></figure>`;
}

function short(n: number): string {
  return Number(n.toFixed(2)).toString();
}

function formulasHtml({ formulas, words: { labels } }: Page): string {
  const items = formulas.map(({ label, text }) => `<dt id="f-${label}">${label}</dt><dd>${escaped(text)}</dd>`);
  return items.length === 0
    ? ''
    : `<section><h2>${escaped(labels.formulas)}</h2><dl class="formulas">${items.join('')}</dl></section>`;
}

function sourcesHtml(sources: readonly Source[], labels: Labels): string {
  if (sources.length === 0) return '';
  const rows = sources.map(({ label, path, href }) => {
    const text = href === null ? escaped(path) : `<a href="${escaped(href)}" rel="noreferrer">${escaped(path)}</a>`;
    return `<tr><td>${escaped(label)}</td><td>${text}</td></tr>`;
  });
  return `<section><h2>${escaped(labels.sources)}</h2><p>${escaped(labels.sourcesText)}</p>
<table class="sources"><tbody>${rows.join('\n')}</tbody></table></section>`;
}

/** Text of other people's: its direction of writing stays its own. */
export function isolated(text: string): string {
  return text === '' ? '' : `<bdi>${escaped(text)}</bdi>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text as HTML: markup is escaped, and characters that HTML cannot hold become U+FFFD. */
export function escaped(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, '\ufffd').replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char); // prettier-ignore
}
