/** The console for staff: begins when the reader's words are there. */
import { render } from 'preact';
import { isKnown } from '../shared/api.ts';
import { startRouter } from '../shared/router.ts';
import { applyTheme } from '../shared/theme.ts';
import { speak } from '../shared/words.ts';
import { App } from './app.tsx';

applyTheme();
startRouter();
const root = document.querySelector('#root');
if (root === null) throw new Error('the page has no root');
const [known] = await Promise.all([isKnown().catch(() => false), speak()]);
render(<App known={known} />, root);
