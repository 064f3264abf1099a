/** The parts that pages are made of. */
import type { ComponentChildren, JSX, RefObject, TargetedSubmitEvent } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiProblem } from './api.ts';
import { type Asked, problemOf } from './ask.ts';
import { amount, bytes, instant, nanos, whole } from './format.ts';
import { go, to, withQuery } from './router.ts';
import { say, sayCode } from './words.ts';

/** A page's heading, which also names the window and takes the focus when the page is gone to. */
export function Heading({ children, title }: { children: ComponentChildren; title: string }): JSX.Element {
  const ref = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Uptally`;
  }, [title]);
  useEffect(() => {
    ref.current?.focus({ preventScroll: true });
  }, []);
  return (
    <h1 tabIndex={-1} ref={ref}>
      {children}
    </h1>
  );
}

export function Section({ title, children, query }: { title: string; children: ComponentChildren; query?: string }): JSX.Element {
  return (
    <section class="panel">
      <header>
        <h2>{title}</h2>
        {query === undefined ? null : <QueryLink path={query} of={title} />}
      </header>
      {children}
    </section>
  );
}

/** Leads to the question that a figure is the answer of. */
export function QueryLink({ path, of }: { path: string; of: string }): JSX.Element {
  return (
    <a class="query" href={to('query', { path })} aria-label={say('query.of', { what: of })}>
      {say('query.link')}
    </a>
  );
}

export function Money({ of, currency }: { of: string; currency: string }): JSX.Element {
  return (
    <data value={of} class="figure">
      {amount(of)} {currency}
    </data>
  );
}

/** Credit of minutes, in 10⁻⁹ of the currency's unit. */
export function Nanos({ of, currency }: { of: bigint; currency: string }): JSX.Element {
  return (
    <data value={of.toString()} class="figure">
      {nanos(of)} {currency}
    </data>
  );
}

export function Bytes({ of }: { of: bigint | number }): JSX.Element {
  const exact = `${whole(of)} B`;
  const short = bytes(of);
  return (
    <data value={of.toString()} class="figure" title={exact}>
      {short}
      {short === exact ? null : <span class="hidden"> ({exact})</span>}
    </data>
  );
}

/** An instant on a zone's clock; the zone is named where times stand. */
export function Time({ at, zone }: { at: string | null | undefined; zone: string }): JSX.Element {
  if (at === null || at === undefined) return <span class="muted">–</span>;
  return <time dateTime={at}>{instant(at, zone)}</time>;
}

export function ZoneNote({ zone }: { zone: string }): JSX.Element {
  return <p class="muted">{say('zone.note', { zone })}</p>;
}

const GOOD = new Set(['up', 'active', 'ok', 'done', 'paid', 'final', 'eligible', 'pass', 'changed', 'decided', 'taken']);
const BAD = new Set(['provider', 'failed', 'suspended', 'overdue', 'bar', 'fail', 'barred', 'rejected', 'not_eligible']);

/** A code in words, with the colour of what it means beside the words, never instead of them. */
export function Badge({ family, code }: { family: string; code: string }): JSX.Element {
  const kind = GOOD.has(code) ? 'good' : BAD.has(code) ? 'bad' : 'plain';
  return <span class={`badge ${kind}`}>{sayCode(family, code)}</span>;
}

export function Problem({ problem, again }: { problem: ApiProblem; again?: () => void }): JSX.Element {
  return (
    <div class="problem" role="alert">
      <p>
        <strong>{sayCode('problem', problem.code)}</strong>
        {problem.message === '' ? null : <span lang="en">: {problem.message}</span>}
      </p>
      {problem.fields.length === 0 ? null : (
        <ul lang="en">
          {problem.fields.map(({ field, message }) => (
            <li key={`${field} ${message}`}>
              <code>{field}</code> {message}
            </li>
          ))}
        </ul>
      )}
      {again === undefined ? null : (
        <button type="button" onClick={again}>
          {say('again')}
        </button>
      )}
    </div>
  );
}

/** What was asked for, when it is there; before that, that it comes; or why it does not. */
export function Answer<T>({ asked, children }: { asked: Asked<T>; children: (value: T) => ComponentChildren }): JSX.Element {
  if (asked.problem !== undefined) return <Problem problem={asked.problem} again={asked.again} />;
  if (asked.value === undefined)
    return (
      <p class="muted" role="status" data-loading>
        {say('loading')}
      </p>
    );
  return <>{children(asked.value)}</>;
}

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** Figures stand on the right. */
  readonly figure?: boolean;
}

interface TableProps<Row> {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly empty?: string;
  readonly idOf: (row: Row) => string;
}

/** Rows; the first cell of each says what it is of. It scrolls sideways, also by keyboard, where it is wider than the window. */
export function Table<Row>({ caption, columns, rows, empty, idOf }: TableProps<Row>): JSX.Element {
  if (rows.length === 0) return <p class="muted">{empty ?? say('none')}</p>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ title, figure }) => (
              <th key={title} scope="col" class={figure === true ? 'figure' : undefined}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={idOf(row)}>
              {columns.map(({ title, cell, figure }, i) =>
                i === 0 ? (
                  <th key={title} scope="row">
                    {cell(row)}
                  </th>
                ) : (
                  <td key={title} class={figure === true ? 'figure' : undefined}>
                    {cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** To the pages of a list that the server pages: an address each. */
export function Pager({ next, cursor }: { next: string | null; cursor: string | null }): JSX.Element | null {
  if (next === null && cursor === null) return null;
  return (
    <nav class="pager" aria-label={say('pager')}>
      {cursor === null ? null : <a href={withQuery({ cursor: null })}>{say('pager.first')}</a>}
      {next === null ? null : (
        <a href={withQuery({ cursor: next })} rel="next">
          {say('pager.next')}
        </a>
      )}
    </nav>
  );
}

export interface Choice {
  readonly value: string;
  readonly text: string;
}

export interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly value?: string;
  readonly type?: 'text' | 'search' | 'password' | 'date' | 'month' | 'datetime-local' | 'checkbox' | 'area';
  readonly choices?: readonly Choice[];
  readonly required?: boolean;
  readonly hint?: string;
  readonly pattern?: string;
}

/** Preact's types want to know which one; all that come here take the same attributes. */
const inputType = (type: NonNullable<FieldProps['type']>): 'text' => type as 'text';

/** A labelled field of a form. */
export function Field({ name, label, value, type = 'text', choices, required, hint, pattern }: FieldProps): JSX.Element {
  const described = hint === undefined ? {} : { 'aria-describedby': `hint-${name}` };
  const common = { id: `field-${name}`, name, required: required === true, ...described };
  return (
    <div class={type === 'checkbox' ? 'field check' : 'field'}>
      <label for={`field-${name}`}>{label}</label>
      {choices !== undefined ? (
        <select {...common} key={value} defaultValue={value}>
          {choices.map((choice) => (
            <option key={choice.value} value={choice.value} selected={choice.value === value}>
              {choice.text}
            </option>
          ))}
        </select>
      ) : type === 'area' ? (
        <textarea {...common} rows={12} spellcheck={false} defaultValue={value} />
      ) : (
        <input {...common} type={inputType(type)} defaultValue={value} pattern={pattern} autocomplete="off" />
      )}
      {hint === undefined ? null : (
        <span id={`hint-${name}`} class="hint">
          {hint}
        </span>
      )}
    </div>
  );
}

/** The fields of a form by name, as they are. */
export function fieldsOf(form: HTMLFormElement): Record<string, string> {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, typeof value === 'string' ? value : '']));
}

/** A form whose fields are the address's query: what is chosen can be sent. */
export function Filters({ children }: { children: ComponentChildren }): JSX.Element {
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    go(withQuery({ ...fieldsOf(event.currentTarget), cursor: null }));
  };
  return (
    <form class="filters" role="search" aria-label={say('filter')} onSubmit={submit}>
      {children}
      <button type="submit">{say('filter.show')}</button>
    </form>
  );
}

/** Facts in pairs. */
export function Facts({ of }: { of: readonly (readonly [string, ComponentChildren])[] }): JSX.Element {
  return (
    <dl class="facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

interface DeedProps {
  readonly label: string;
  readonly run: () => Promise<void>;
  /** Asked before it is done. */
  readonly sure?: string;
  readonly kind?: 'main' | 'plain' | 'danger';
}

/** A button that does something on the server: once at a time, and what it is refused with stands beside it. */
export function Deed({ label, run, sure, kind = 'plain' }: DeedProps): JSX.Element {
  const [state, setState] = useState<'ready' | 'asking' | 'doing'>('ready');
  const [problem, setProblem] = useState<ApiProblem>();
  const confirm = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (state === 'asking') confirm.current?.focus();
  }, [state]);
  const doIt = (): void => {
    setState('doing');
    setProblem(undefined);
    run()
      .catch((error: unknown) => {
        setProblem(problemOf(error));
      })
      .finally(() => {
        setState('ready');
      });
  };
  return (
    <div class="deed">
      {state === 'asking' && sure !== undefined ? (
        <span class="sure" role="group" aria-label={sure}>
          <span>{sure}</span>
          <button type="button" class={kind} ref={confirm} onClick={doIt}>
            {label}
          </button>
          <button
            type="button"
            onClick={() => {
              setState('ready');
            }}
          >
            {say('cancel')}
          </button>
        </span>
      ) : (
        <button
          type="button"
          class={kind}
          disabled={state === 'doing'}
          aria-busy={state === 'doing'}
          onClick={() => {
            if (sure === undefined) doIt();
            else setState('asking');
          }}
        >
          {label}
        </button>
      )}
      {problem === undefined ? null : <Problem problem={problem} />}
    </div>
  );
}

interface FormProps {
  readonly label: string;
  readonly submit: string;
  readonly run: (fields: Record<string, string>, form: HTMLFormElement) => Promise<void>;
  readonly children: ComponentChildren;
  readonly form?: RefObject<HTMLFormElement>;
}

/** A form that does something on the server. */
export function Form({ label, submit, run, children, form }: FormProps): JSX.Element {
  const [isDoing, setDoing] = useState(false);
  const [problem, setProblem] = useState<ApiProblem>();
  const onSubmit = (event: TargetedSubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const target = event.currentTarget;
    setDoing(true);
    setProblem(undefined);
    run(fieldsOf(target), target)
      .catch((error: unknown) => {
        setProblem(problemOf(error));
      })
      .finally(() => {
        setDoing(false);
      });
  };
  return (
    <form class="stack" aria-label={label} onSubmit={onSubmit} {...(form === undefined ? {} : { ref: form })}>
      {children}
      <div>
        <button type="submit" class="main" disabled={isDoing} aria-busy={isDoing}>
          {submit}
        </button>
      </div>
      {problem === undefined ? null : <Problem problem={problem} />}
    </form>
  );
}
