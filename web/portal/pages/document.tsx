/** An invoice or credit note, line by line, as files, and how anybody checks it. */
import type { JSX } from 'preact';
import { useZones } from '../../shared/agreed.ts';
import { pathOf, step } from '../../shared/api.ts';
import { useAsk } from '../../shared/ask.ts';
import { saveFile } from '../../shared/files.ts';
import { Answer, Badge, Deed, Facts, Heading, Money, QueryLink, Section, Table } from '../../shared/ui.tsx';
import type { ViewProps } from '../../shared/view.tsx';
import { say, sayCode } from '../../shared/words.ts';
import { tell } from '../words.ts';
import { daysOf, type Listed, titleOf } from './documents.tsx';

interface Line {
  readonly id: string;
  readonly kind: string;
  readonly description: string;
  readonly quantity: string;
  readonly unit: string;
  readonly unit_price: string;
  readonly amount: string;
  readonly formula: string;
  readonly query: string | null;
}

interface Document extends Listed {
  readonly lines: readonly Line[];
  readonly outstanding?: string;
  readonly sha256: { readonly content: string; readonly evidence: string } | null;
}

export function DocumentPage({ named }: ViewProps): JSX.Element {
  const path = `/v1/invoices/${step(named['id'] ?? '')}`;
  const asked = useAsk<Document>(path);
  const title = asked.value === undefined ? tell('nav.documents') : titleOf(asked.value);
  return (
    <>
      <Heading title={title}>{title}</Heading>
      <Answer asked={asked}>{(document) => <Shown document={document} path={path} />}</Answer>
    </>
  );
}

function Shown({ document, path }: { document: Document; path: string }): JSX.Element {
  const zones = useZones();
  const { id, type, number, currency, status, total, outstanding, lines, sha256 } = document;
  const name = `${type}-${number ?? id}`;
  return (
    <>
      <Section title={say('invoice.document')} query={path}>
        <Facts
          of={[
            [say('state'), <Badge family="state" code={status} />],
            [say('invoice.period'), daysOf(document, zones)],
            [say('invoice.total'), <Money of={total} currency={currency} />],
            [tell('doc.open'), outstanding === undefined ? '–' : <Money of={outstanding} currency={currency} />],
          ]}
        />
        <h3>{tell('doc.files')}</h3>
        {(['pdf', 'csv'] as const).map((form) => (
          <Deed key={form} label={form.toUpperCase()} run={() => saveFile(path, form, name)} />
        ))}
      </Section>
      <Section title={tell('doc.lines')}>
        <Table
          caption={tell('doc.lines')}
          rows={lines}
          idOf={({ id: line }) => line}
          columns={[
            {
              title: tell('doc.line'),
              cell: ({ description, formula }) => (
                <>
                  {description}
                  <br />
                  <span class="muted">{formula}</span>
                </>
              ),
            },
            { title: say('kind'), cell: ({ kind }) => sayCode('line', kind) },
            { title: tell('doc.quantity'), figure: true, cell: ({ quantity, unit }) => `${quantity} ${unit}` },
            { title: tell('doc.price'), figure: true, cell: ({ unit_price: price }) => price },
            { title: say('amount'), figure: true, cell: ({ amount }) => <Money of={amount} currency={currency} /> },
            {
              title: say('query.link'),
              cell: ({ query, description }) => (query === null ? '–' : <QueryLink path={query} of={description} />),
            },
          ]}
        />
      </Section>
      {sha256 === null ? null : (
        <Section title={tell('doc.proof')}>
          <p>{tell('doc.proof.how')}</p>
          <Deed label={tell('doc.copy')} run={() => saveFile(pathOf(path, { part: 'copy' }), 'json', `${name}-copy`)} />
          <h3>{tell('doc.verify')}</h3>
          <pre tabIndex={0}>{`uptally verify --invoice ${name}-copy.json`}</pre>
          <h3>SHA-256</h3>
          <pre tabIndex={0}>{`content  ${sha256.content}\nevidence ${sha256.evidence}`}</pre>
        </Section>
      )}
    </>
  );
}
