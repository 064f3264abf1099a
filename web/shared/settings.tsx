/** What a reader chooses: language and colours; and the way out. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { logout } from './api.ts';
import { setTheme, theme, THEMES } from './theme.ts';
import { language, type Language, LANGUAGES, say, sayCode, speak } from './words.ts';

interface Props {
  readonly isIn: boolean;
  readonly onOut: () => void;
  /** Loads the words of a language; those of all pages if left out. */
  readonly speakAs?: (chosen: Language) => Promise<void>;
  readonly onSpoken: (language: string) => void;
}

export function Settings({ isIn, onOut, speakAs = speak, onSpoken }: Props): JSX.Element {
  const [, setShown] = useState(theme());
  return (
    <div class="settings">
      <select
        aria-label={say('language')}
        onChange={(event) => {
          const chosen = event.currentTarget.value as Language;
          void speakAs(chosen).then(() => {
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
  );
}
