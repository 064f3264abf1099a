/** The frame around every view of the portal. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { type ApiProblem, login, onSessionLost } from '../shared/api.ts';
import { useAsk } from '../shared/ask.ts';
import { to, usePlace } from '../shared/router.ts';
import { Settings } from '../shared/settings.tsx';
import { Answer, Field, Form, Heading, Problem } from '../shared/ui.tsx';
import { Shown, viewOf } from '../shared/view.tsx';
import { say } from '../shared/words.ts';
import { NAVIGATION, VIEWS } from './views.ts';
import { type Customer, CustomerContext, customerOf, type Who } from './who.ts';
import { speakPortal, tell } from './words.ts';

interface AppProps {
  readonly known: boolean;
  /** Why a link was not taken. */
  readonly problem?: ApiProblem;
}

export function App({ known, problem }: AppProps): JSX.Element {
  const [isIn, setIn] = useState(known);
  const [spoken, setSpoken] = useState('');
  // what was asked for one customer is forgotten before another is shown
  const leave = (): void => {
    location.reload();
  };
  useEffect(() => onSessionLost(leave), []);
  return (
    <>
      <a class="skip" href="#main">
        {say('skip')}
      </a>
      <header class="top">
        <a class="brand" href={to('period')}>
          {tell('brand')}
        </a>
        <Settings isIn={isIn} onOut={leave} speakAs={speakPortal} onSpoken={setSpoken} />
      </header>
      {isIn ? (
        <Inside key={spoken} />
      ) : (
        <main id="main">
          <Login
            problem={problem}
            onIn={() => {
              setIn(true);
            }}
          />
        </main>
      )}
    </>
  );
}

function Login({ problem, onIn }: { problem: ApiProblem | undefined; onIn: () => void }): JSX.Element {
  return (
    <div class="login">
      <Heading title={say('login')}>{say('login')}</Heading>
      {problem === undefined ? null : problem.status === 401 ? (
        <p class="problem" role="alert">
          {tell('link.over')}
        </p>
      ) : (
        <Problem problem={problem} />
      )}
      <p class="muted">{tell('login.how')}</p>
      <Form
        label={say('login')}
        submit={say('login')}
        run={async (fields) => {
          await login((fields['key'] ?? '').trim());
          onIn();
        }}
      >
        <Field name="key" label={say('login.key')} type="password" required />
      </Form>
    </div>
  );
}

/** Whoever asks, as the server knows them. */
function Inside(): JSX.Element {
  const asked = useAsk<Who>('/v1/session');
  return (
    <Answer asked={asked}>
      {(who) => {
        const customer = customerOf(who);
        return customer === undefined ? (
          <main id="main">
            <Heading title={tell('brand')}>{tell('brand')}</Heading>
            <p class="notice">{tell('strange')}</p>
          </main>
        ) : (
          <Frame customer={customer} />
        );
      }}
    </Answer>
  );
}

function Frame({ customer }: { customer: Customer }): JSX.Element {
  const place = usePlace();
  const view = viewOf(VIEWS, place)?.view;
  const here = view?.under ?? view?.path.split('/')[0];
  return (
    <CustomerContext.Provider value={customer}>
      <div class="frame">
        <nav class="side" aria-label={say('nav')}>
          <ul>
            {NAVIGATION.filter(({ whole }) => customer.isWhole || !whole).map(({ path, key }) => (
              <li key={path}>
                <a href={to(path)} aria-current={here === path ? 'page' : undefined}>
                  {tell(key)}
                </a>
              </li>
            ))}
          </ul>
          <p class="muted">
            {say('account')} {customer.account}
          </p>
        </nav>
        <main id="main">
          {customer.isWhole ? null : <p class="notice">{tell('some')}</p>}
          <Shown views={VIEWS} place={place} homeName={tell('nav.period')} />
        </main>
      </div>
    </CustomerContext.Provider>
  );
}
