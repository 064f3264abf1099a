/** The bar on top: search, language, theme, out. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { logout } from '../shared/api.ts';
import { go, to } from '../shared/router.ts';
import { setTheme, theme, THEMES } from '../shared/theme.ts';
import { fieldsOf } from '../shared/ui.tsx';
import { language, type Language, LANGUAGES, say, sayCode, speak } from '../shared/words.ts';

interface Props {
  readonly isIn: boolean;
  readonly onOut: () => void;
  readonly onSpoken: (language: string) => void;
}

export function TopBar({ isIn, onOut, onSpoken }: Props): JSX.Element {
  const [, setShown] = useState(theme());
  return (
    <header class="top">
      <a class="brand" href={to('now')}>
        Uptally
      </a>
      {isIn ? (
        <form
          role="search"
          aria-label={say('search')}
          onSubmit={(event) => {
            event.preventDefault();
            go(to('search', { q: (fieldsOf(event.currentTarget)['q'] ?? '').trim() }));
          }}
        >
          <input type="search" name="q" aria-label={say('search.what')} placeholder={say('search.what')} autocomplete="off" />
          <button type="submit">{say('search')}</button>
        </form>
      ) : null}
      <div class="settings">
        <select
          aria-label={say('language')}
          onChange={(event) => {
            const chosen = event.currentTarget.value as Language;
            void speak(chosen).then(() => {
              onSpoken(chosen);
            });
          }}
        >
          {Object.entries(LANGUAGES).map(([code, name]) => (
            <option key={code} value={code} lang={code} selected={code === language()}>
              {name}
            </option>
          ))}
        </select>
        <select
          aria-label={say('theme')}
          onChange={(event) => {
            const chosen = THEMES.find((one) => one === event.currentTarget.value) ?? 'auto';
            setTheme(chosen);
            setShown(chosen);
          }}
        >
          {THEMES.map((one) => (
            <option key={one} value={one} selected={one === theme()}>
              {sayCode('theme', one)}
            </option>
          ))}
        </select>
        {isIn ? (
          <button
            type="button"
            onClick={() => {
              void logout().finally(onOut);
            }}
          >
            {say('logout')}
          </button>
        ) : null}
      </div>
    </header>
  );
}
