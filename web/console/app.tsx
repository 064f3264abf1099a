/** The frame around every view: who is asking, where to go, and the view that the address names. */
import type { ComponentType, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { onSessionLost } from '../shared/api.ts';
import { type Place, to, usePlace } from '../shared/router.ts';
import { Heading } from '../shared/ui.tsx';
import { say, type WordKey } from '../shared/words.ts';
import { Login } from './login.tsx';
import { TopBar } from './top-bar.tsx';
import { VIEWS, type View, type ViewProps } from './views.ts';

/** The part of the address's path that stands for a view, and what its variable steps are. */
function viewOf({ path }: Place): { view: View; named: Record<string, string> } | undefined {
  const steps = path === '' ? ['now'] : path.split('/');
  for (const view of VIEWS) {
    const pattern = view.path.split('/');
    if (pattern.length !== steps.length) continue;
    const named: Record<string, string> = {};
    const fits = pattern.every((part, i) => {
      const given = steps[i] ?? '';
      if (!part.startsWith(':')) return part === given;
      named[part.slice(1)] = decodeURIComponent(given);
      return given !== '';
    });
    if (fits) return { view, named };
  }
  return undefined;
}

const loaded = new Map<string, ComponentType<ViewProps>>();

function Shown({ place }: { place: Place }): JSX.Element {
  const found = viewOf(place);
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
          <a href={to('now')}>{say('nav.now')}</a>
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

const GROUPS: readonly (readonly WordKey[])[] = [
  ['nav.now', 'nav.fleet', 'nav.outages', 'nav.incidents', 'nav.silences'],
  ['nav.accounts', 'nav.invoices', 'nav.refunds', 'nav.terms'],
  ['nav.sources', 'nav.agents', 'nav.scheduler', 'nav.keys'],
];

export function App({ known }: { known: boolean }): JSX.Element {
  const [isIn, setIn] = useState(known);
  const [, setSpoken] = useState('');
  const place = usePlace();
  useEffect(
    () =>
      onSessionLost(() => {
        setIn(false);
      }),
    [],
  );
  const view = viewOf(place)?.view;
  const here = view?.under ?? view?.path.split('/')[0];
  return (
    <>
      <a class="skip" href="#main">
        {say('skip')}
      </a>
      <TopBar
        isIn={isIn}
        onOut={() => {
          setIn(false);
        }}
        onSpoken={setSpoken}
      />
      {isIn ? (
        <div class="frame">
          <nav class="side" aria-label={say('nav')}>
            {GROUPS.map((keys) => (
              <ul key={keys[0]}>
                {keys
                  .map((key) => [key, key.slice(4)] as const)
                  .filter(([, path]) => VIEWS.some((one) => one.path === path))
                  .map(([key, path]) => (
                    <li key={key}>
                      <a href={to(path)} aria-current={here === path ? 'page' : undefined}>
                        {say(key)}
                      </a>
                    </li>
                  ))}
              </ul>
            ))}
          </nav>
          <main id="main">
            <Shown place={place} />
          </main>
        </div>
      ) : (
        <main id="main">
          <Login
            onIn={() => {
              setIn(true);
            }}
          />
        </main>
      )}
    </>
  );
}
