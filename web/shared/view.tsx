/** The view that an address names, loaded when it is first gone to. */
import type { ComponentType, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { type Place, to } from './router.ts';
import { Heading } from './ui.tsx';
import { say } from './words.ts';

export interface ViewProps {
  /** What the variable steps of the address are. */
  readonly named: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}

export interface View {
  /** `vms/:vm`: a step with a colon is variable. */
  readonly path: string;
  /** The entry of the navigation that it belongs to, where its own first step is none. */
  readonly under?: string;
  readonly load: () => Promise<ComponentType<ViewProps>>;
}

export interface Views {
  readonly all: readonly View[];
  /** The path of the one that is shown at the app's own address. */
  readonly home: string;
}

/** The view of an address, and what the variable steps of its path are. */
export function viewOf({ all, home }: Views, { path }: Place): { view: View; named: Record<string, string> } | undefined {
  const steps = path === '' ? [home] : path.split('/');
  for (const view of all) {
    const pattern = view.path.split('/');
    if (pattern.length !== steps.length) continue;
    const named: Record<string, string> = {};
    const fits = pattern.every((part, i) => {
      const given = steps[i] ?? '';
      if (!part.startsWith(':')) return part === given;
      named[part.slice(1)] = decoded(given);
      return given !== '';
    });
    if (fits) return { view, named };
  }
  return undefined;
}

/** An address that somebody typed may be escaped wrongly: then it is a name of nothing. */
function decoded(given: string): string {
  try {
    return decodeURIComponent(given);
  } catch {
    return given;
  }
}

const loaded = new Map<string, ComponentType<ViewProps>>();

export function Shown({ views, place, homeName }: { views: Views; place: Place; homeName: string }): JSX.Element {
  const found = viewOf(views, place);
  const path = found?.view.path;
  const [, setLoaded] = useState('');
  useEffect(() => {
    if (found === undefined || loaded.has(found.view.path)) return;
    const { view } = found;
    view.load().then(
      (component) => {
        loaded.set(view.path, component);
        setLoaded(view.path);
      },
      // the server has been updated since this page was loaded: its files have other names now
      () => {
        location.reload();
      },
    );
  }, [path]);
  if (found === undefined)
    return (
      <>
        <Heading title={say('lost')}>{say('lost')}</Heading>
        <p>
          <a href={to(views.home)}>{homeName}</a>
        </p>
      </>
    );
  const Component = loaded.get(found.view.path);
  if (Component === undefined)
    return (
      <p role="status" data-loading>
        {say('loading')}
      </p>
    );
  return <Component key={`${found.view.path} ${JSON.stringify(found.named)}`} named={found.named} query={place.query} />;
}
