/** The portal for a customer: takes the token of a link, if the address has one, and begins when the reader's words are there. */
import { render } from 'preact';
import { ApiProblem, enter, isKnown } from '../shared/api.ts';
import { startRouter } from '../shared/router.ts';
import { applyTheme } from '../shared/theme.ts';
import { App } from './app.tsx';
import { speakPortal } from './words.ts';

/** Who asks, once. The token leaves the address before anything is sent, so that it stays in no history. */
async function begin(): Promise<{ known: boolean; problem?: ApiProblem }> {
  const token = /^#(upl_[\w-]{1,200})$/.exec(location.hash)?.[1];
  if (token === undefined) return { known: await isKnown().catch(() => false) };
  history.replaceState(null, '', location.pathname + location.search);
  try {
    await enter(token);
    return { known: true };
  } catch (error) {
    return { known: false, problem: error instanceof ApiProblem ? error : new ApiProblem(0, 'page', String(error)) };
  }
}

applyTheme();
startRouter();
const root = document.querySelector('#root');
if (root === null) throw new Error('the page has no root');
// a link that was opened in a page that is open already
addEventListener('hashchange', () => {
  if (location.hash.startsWith('#upl_')) location.reload();
});
const [begun] = await Promise.all([begin(), speakPortal()]);
render(<App {...begun} />, root);
