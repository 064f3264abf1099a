import { getDocument } from 'pdfjs-dist/legacy/build/pdf.mjs';

/** A PDF as another library reads it; `lines` is each piece of text with its page and its place on it. */
export async function readPdf(data: Buffer) {
  const task = getDocument({ data: new Uint8Array(data), verbosity: 0 });
  const document = await task.promise;
  const pages: string[] = [];
  const pieces: string[] = [];
  const links: string[] = [];
  for (let i = 1; i <= document.numPages; i += 1) {
    const page = await document.getPage(i);
    const { items } = await page.getTextContent();
    const texts = items.flatMap((item) => ('str' in item ? [item] : []));
    pages.push(texts.map(({ str }) => str).join(' '));
    // Where a piece stands is its own: a text that moved is another page.
    for (const { str, transform } of texts) {
      const [x, y] = (transform as number[]).slice(4).map(Math.round);
      if (str.trim() !== '') pieces.push(`${i} ${x ?? 0} ${y ?? 0} ${str}`);
    }
    for (const note of (await page.getAnnotations()) as { url?: string }[]) if (note.url !== undefined) links.push(note.url);
  }
  const info: object = (await document.getMetadata()).info;
  await task.destroy();
  // Runs of different fonts are items of their own: spaces between them are not the text's.
  return {
    pages,
    links,
    info,
    text: pages.join(' '),
    dense: pages.join('').replace(/\s+/g, ''),
    lines: `${pieces.join('\n')}\n`,
  };
}
