/** Addresses: every view has one that can be sent. Links are links; what is below this app's own path is shown without loading the page. */
import { useEffect, useState } from 'preact/hooks';

export interface Place {
  /** Below the app: `vms/web-1`. */
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Where the app lives: `/console`. */
const base = `/${location.pathname.split('/')[1] ?? ''}`;
const listeners = new Set<() => void>();

function here(): Place {
  return { path: location.pathname.slice(base.length).replace(/^\/+|\/+$/g, ''), query: new URLSearchParams(location.search) };
}

function changed(): void {
  for (const listener of listeners) listener();
}

/** The address of a view: `to('vms/web-1', { month: '2026-03' })`. */
export function to(path: string, query: Readonly<Record<string, string | undefined | null>> = {}): string {
  const set = Object.entries(query).filter((pair): pair is [string, string] => typeof pair[1] === 'string' && pair[1] !== '');
  return `${base}/${path}${set.length === 0 ? '' : `?${new URLSearchParams(set).toString()}`}`;
}

export function go(address: string, how: 'push' | 'replace' = 'push'): void {
  if (how === 'push') history.pushState(null, '', address);
  else history.replaceState(null, '', address);
  changed();
}

/** The address with some of its query changed, the rest as it is. */
export function withQuery(changes: Readonly<Record<string, string | null>>): string {
  const { path, query } = here();
  const all = { ...Object.fromEntries(query), ...changes };
  return to(path, all);
}

export function usePlace(): Place {
  const [place, setPlace] = useState(here);
  useEffect(() => {
    const listener = (): void => {
      setPlace(here());
    };
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }, []);
  return place;
}

/** Begins to follow links and the browser's buttons. */
export function startRouter(): void {
  addEventListener('popstate', changed);
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (link === null || link.target !== '' || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (link.pathname !== base && !link.pathname.startsWith(`${base}/`)) return;
    // a step within the page is the browser's own
    if (link.hash !== '' && link.pathname === location.pathname && link.search === location.search) return;
    event.preventDefault();
    go(link.href);
    scrollTo(0, 0);
  });
}
