import { createHash } from 'node:crypto';
import { escaped, isolated, pictureHtml, SIZES } from '../html.ts';
import type { Fact } from '../page.ts';
import { pictureOf } from '../picture.ts';
import { notesFrom, type Paper, type Row, type Section, type TableSection } from './paper.ts';

const STYLE = `*{box-sizing:border-box}
body{font:15px/1.5 system-ui,"Noto Sans","Noto Sans CJK SC","Noto Sans CJK TC","PingFang SC","PingFang TC","Microsoft YaHei","Microsoft JhengHei",sans-serif;color:#1b1f24;background:#fff;max-width:62rem;margin:2.5rem auto;padding:0 1.5rem}
bdi{unicode-bidi:isolate}h1{font-size:1.9rem;line-height:1.2;margin:0}h2{font-size:1.05rem;margin:2rem 0 .4rem}
.top{display:flex;justify-content:space-between;align-items:flex-start;gap:1rem;flex-wrap:wrap}
.state{border:2px solid;border-radius:.35rem;padding:.15rem .7rem;font-weight:700;letter-spacing:.02em}
.open{color:#7a4b00}.paid{color:#14532d}.void{color:#8e1b1b}.not_final{color:#fff;background:#8e1b1b;border-color:#8e1b1b}
.who{display:grid;grid-template-columns:1fr 1fr 1.4fr;gap:1.5rem;margin:1.8rem 0}.who h2{font-size:.8rem;color:#59636e;margin:0 0 .2rem;font-weight:600}
.who p{margin:0;overflow-wrap:anywhere}.who p:first-of-type{font-weight:600}
dl{display:grid;align-content:start;grid-template-columns:max-content 1fr;gap:.05rem 1rem;margin:0}dt{color:#59636e}dd{margin:0;overflow-wrap:anywhere}
.headline{background:#f1f4f6;border-radius:.35rem;padding:.7rem 1rem;display:flex;justify-content:space-between;align-items:baseline;gap:1rem;margin-bottom:1.6rem}
.headline b{font-size:1.4rem;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto}table{width:100%;border-collapse:collapse}th{text-align:left;color:#59636e;font-weight:600;font-size:.85rem;vertical-align:bottom}
th,td{padding:.4rem .8rem .4rem 0;border-top:1px solid #d9dee3}th{border-top:0;border-bottom:1px solid #59636e}td{vertical-align:top;overflow-wrap:anywhere}th:last-child,td:last-child{padding-right:0}
th.n,td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}td.weak{color:#59636e}td.strong{font-weight:600;min-width:7rem}
tr.notes td{border-top:0;padding-top:0;color:#59636e;font-size:.8rem;line-height:1.45}tr.notes div{padding:.05rem 0}
small{display:block;color:#59636e;font-size:.8rem;line-height:1.4;font-weight:400}
tfoot td{border-top:0;padding-top:.15rem;padding-bottom:.15rem}tfoot tr:first-child td{padding-top:.7rem;border-top:1px solid #59636e}
tfoot .sum td{font-weight:700}.remark{color:#59636e;font-size:.8rem;margin:.4rem 0}
svg{display:block;width:100%;height:auto}figure{margin:0 0 1rem}figcaption{font-size:.85rem;margin-bottom:.2rem}figcaption span{color:#59636e}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;font-size:.8rem;color:#59636e;margin:.2rem 0 1rem;padding:0;list-style:none}.legend li{display:flex;align-items:center;gap:.35rem}.legend svg{width:12px;height:12px}
.vms{display:grid;grid-template-columns:repeat(auto-fill,minmax(19rem,1fr));gap:.2rem 1.6rem}
.small{font-size:.85rem;color:#59636e}.facts dl{font-size:.8rem}
@media(max-width:40rem){.who{grid-template-columns:1fr}}
@page{size:A4;margin:16mm 15mm}
@media print{body{margin:0;padding:0;max-width:none;font-size:10pt}tr,figure{break-inside:avoid}tr:has(+tr.notes){break-after:avoid}thead{display:table-header-group}tfoot{display:table-row-group}h2{break-after:avoid}.scroll{overflow:visible}.vms{grid-template-columns:1fr 1fr}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}`;

const STYLE_DIGEST = createHash('sha256').update(STYLE, 'utf8').digest('base64');

/** What a browser may do with such a page: show it. */
export const PAPER_POLICY = `default-src 'none'; style-src 'sha256-${STYLE_DIGEST}'; base-uri 'none'; form-action 'none'`;

/** A document as one page of HTML that needs nothing else. Everything in it is escaped, and each text keeps its own direction of writing. */
export function paperHtml(paper: Paper): string {
  const { labels, language } = paper.words;
  return `<!doctype html>
<html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="${escaped(PAPER_POLICY)}">
<title>${escaped([paper.title, paper.author].filter((part) => part !== null).join(' – '))}</title><style>${STYLE}</style></head><body>
<header class="top"><h1>${isolated(paper.title)}</h1><div class="state ${paper.state.tone}">${escaped(paper.state.text)}</div></header>
<section class="who">${party(labels.from, paper.seller)}${party(labels.billTo, paper.customer)}<dl>${paper.facts.map(fact).join('')}</dl></section>
${paper.headline === null ? '' : `<div class="headline"><span>${escaped(paper.headline.label)}</span><b>${escaped(paper.headline.text)}</b></div>`}
${paper.sections.map((section) => sectionHtml(section, paper)).join('\n')}
</body></html>
`;
}

function sectionHtml(section: Section, { words }: Paper): string {
  switch (section.kind) {
    case 'table':
      return tableHtml(section);
    case 'text': {
      const lines = section.lines.map((line) => `<div>${isolated(line)}</div>`).join('');
      return `<section${section.small ? ' class="small"' : ''}><h2>${escaped(section.heading)}</h2>${lines}</section>`;
    }
    case 'facts':
      return `<section class="facts"><h2>${escaped(section.heading)}</h2>${section.intro === null ? '' : `<p class="small">${isolated(section.intro)}</p>`}<dl>${section.facts.map(fact).join('')}</dl></section>`;
    case 'picture': {
      const picture = pictureOf(section.days, SIZES, words);
      return picture === null ? '' : pictureHtml(picture, words.labels);
    }
  }
}

function tableHtml({ heading, columns, rows, remark, sums }: TableSection): string {
  const from = notesFrom(columns);
  const head = columns.map(({ head: text, align }) => `<th scope="col"${align === 'right' ? ' class="n"' : ''}>${escaped(text)}</th>`);
  const foot = sums.map(
    ({ label, text, strong }) =>
      `<tr${strong ? ' class="sum"' : ''}><td colspan="${columns.length - 1}" class="n">${isolated(label)}</td><td class="n">${escaped(text)}</td></tr>`,
  );
  return `${heading === null ? '' : `<h2>${escaped(heading)}</h2>`}<div class="scroll"><table><thead><tr>${head.join('')}</tr></thead>
<tbody>${rows.map((row) => rowHtml(row, columns, from)).join('\n')}</tbody>
${foot.length === 0 ? '' : `<tfoot>${foot.join('')}</tfoot>`}</table></div>${remark === null ? '' : `<p class="remark">${isolated(remark)}</p>`}`;
} // prettier-ignore

function rowHtml({ cells, notes }: Row, columns: TableSection['columns'], from: number): string {
  const cellsHtml = cells.map(({ text, more = [], strong = false, weak = false }, i) => {
    const names = [...(columns[i]?.align === 'right' ? ['n'] : []), ...(strong ? ['strong'] : []), ...(weak ? ['weak'] : [])];
    const small = more.map((each) => `<small>${isolated(each)}</small>`).join('');
    return `<td${names.length === 0 ? '' : ` class="${names.join(' ')}"`}>${isolated(text)}${small}</td>`;
  });
  const under = notes.map((each) => `<div>${isolated(each)}</div>`).join('');
  const notesHtml = notes.length === 0 ? '' : `\n<tr class="notes">${'<td></td>'.repeat(from)}<td colspan="${columns.length - from}">${under}</td></tr>`;
  return `<tr>${cellsHtml.join('')}</tr>${notesHtml}`;
} // prettier-ignore

function party(label: string, lines: readonly string[]): string {
  if (lines.length === 0) return '<div></div>';
  return `<div><h2>${escaped(label)}</h2>${lines.map((line) => `<p>${isolated(line)}</p>`).join('')}</div>`;
}

function fact({ label, text }: Fact): string {
  return `<dt>${escaped(label)}</dt><dd>${isolated(text)}</dd>`;
}
