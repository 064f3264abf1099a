import PDFDocument from 'pdfkit';

/** Of a PDF file itself. */
export interface FileFacts {
  readonly title: string;
  readonly author: string | null;
  readonly subject: string;
  readonly keywords: readonly string[];
  readonly language: string;
  readonly madeAtMs: number;
}

let queue: Promise<unknown> = Promise.resolve();

/** One file is made at a time: a long one must not be many. */
export function oneAtATime(make: () => Promise<Buffer>): Promise<Buffer> {
  const made = queue.then(make);
  queue = made.catch(() => undefined);
  return made;
}

/** A PDF to be drawn on, and its bytes once it has been ended. The same facts and drawing give the same bytes. */
export function newPdf(facts: FileFacts): { pdf: InstanceType<typeof PDFDocument>; bytes: () => Promise<Buffer> } {
  const madeAt = new Date(facts.madeAtMs);
  const pdf = new PDFDocument({
    size: 'A4',
    margin: 0,
    autoFirstPage: false,
    bufferPages: true,
    pdfVersion: '1.7',
    lang: facts.language,
    displayTitle: true,
    info: {
      Title: [facts.title, facts.author].filter((part) => part !== null).join(' – '),
      Author: facts.author ?? 'Uptally',
      Subject: facts.subject,
      Keywords: facts.keywords.join(' '),
      Creator: 'Uptally',
      Producer: 'Uptally (PDFKit)',
      CreationDate: madeAt,
      ModDate: madeAt,
    },
  });
  const chunks: Buffer[] = [];
  pdf.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise<void>((resolve, reject) => {
    pdf.on('end', resolve);
    pdf.on('error', reject);
  });
  const bytes = async (): Promise<Buffer> => {
    pdf.end();
    await ended;
    return Buffer.concat(chunks);
  };
  return { pdf, bytes };
}

/** ASCII, and what is printed between texts: the fonts of it are at hand for every document. */
export const EVER = `${Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('')}·–−`;
