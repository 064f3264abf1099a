/** The bar on top: search, language, theme, out. */
import type { JSX } from 'preact';
import { go, to } from '../shared/router.ts';
import { Settings } from '../shared/settings.tsx';
import { fieldsOf } from '../shared/ui.tsx';
import { say } from '../shared/words.ts';

interface Props {
  readonly isIn: boolean;
  readonly onOut: () => void;
  readonly onSpoken: (language: string) => void;
}

export function TopBar({ isIn, onOut, onSpoken }: Props): JSX.Element {
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
      <Settings isIn={isIn} onOut={onOut} onSpoken={onSpoken} />
    </header>
  );
}
