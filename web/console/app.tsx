/** The frame around every view: who is asking, where to go, and the view that the address names. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { onSessionLost } from '../shared/api.ts';
import { to, usePlace } from '../shared/router.ts';
import { Shown, viewOf, type Views } from '../shared/view.tsx';
import { say, type WordKey } from '../shared/words.ts';
import { Login } from './login.tsx';
import { TopBar } from './top-bar.tsx';
import { VIEWS } from './views.ts';

const ALL: Views = { all: VIEWS, home: 'now' };

const GROUPS: readonly (readonly WordKey[])[] = [
  ['nav.now', 'nav.fleet', 'nav.outages', 'nav.incidents', 'nav.silences'],
  ['nav.accounts', 'nav.invoices', 'nav.refunds', 'nav.terms'],
  ['nav.sources', 'nav.agents', 'nav.scheduler', 'nav.notices', 'nav.keys', 'nav.audit'],
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
  const view = viewOf(ALL, place)?.view;
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
            <Shown views={ALL} place={place} homeName={say('nav.now')} />
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
