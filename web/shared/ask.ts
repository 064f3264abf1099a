/** Answers as a page's state. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import { ApiProblem, ask } from './api.ts';

export interface Asked<T> {
  /** The answer to the path of now; undefined until it is there. */
  readonly value: T | undefined;
  readonly problem: ApiProblem | undefined;
  readonly path: string | null;
  /** Asks again; what is shown stays until then. */
  readonly again: () => void;
}

export function problemOf(error: unknown): ApiProblem {
  return error instanceof ApiProblem ? error : new ApiProblem(0, 'page', error instanceof Error ? error.message : String(error));
}

/** Asks whenever the path changes; null: not yet. */
export function useAsk<T>(path: string | null): Asked<T> {
  const [state, setState] = useState<{ path: string | null; value?: T; problem?: ApiProblem }>({ path: null });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (path === null) return undefined;
    const stop = new AbortController();
    ask<T>(path, { signal: stop.signal }).then(
      (value) => {
        setState({ path, value });
      },
      (error: unknown) => {
        if (!stop.signal.aborted) setState({ path, problem: problemOf(error) });
      },
    );
    return () => {
      stop.abort();
    };
  }, [path, turn]);
  const again = useCallback(() => {
    setTurn((before) => before + 1);
  }, []);
  const isCurrent = state.path === path;
  return { value: isCurrent ? state.value : undefined, problem: isCurrent ? state.problem : undefined, path, again };
}

const kept = new Map<string, Promise<unknown>>();

/** What hardly changes while a page is open, asked for once: a plan, an account's currency. */
export function askOnce<T>(path: string): Promise<T> {
  const known = kept.get(path);
  if (known !== undefined) return known as Promise<T>;
  const asked = ask<T>(path);
  kept.set(path, asked);
  asked.catch(() => kept.delete(path));
  return asked;
}

/** An answer, once it is there. */
export type Known<T> = T | undefined;

/** The same as a page's state. */
export function useOnce<T>(path: string | null): Known<T> {
  const [state, setState] = useState<{ path: string; value: T }>();
  useEffect(() => {
    if (path === null) return undefined;
    let wanted = true;
    askOnce<T>(path).then(
      (value) => {
        if (wanted) setState({ path, value });
      },
      () => undefined,
    );
    return () => {
      wanted = false;
    };
  }, [path]);
  return state?.path === path ? state.value : undefined;
}
