/** Documents as files: asked for as whoever logged in, and saved; a link could not show a key that only this page has. */
import { download } from './api.ts';

const TYPES = { html: 'text/html', pdf: 'application/pdf', csv: 'text/csv', json: 'application/json' } as const;

/** Saves an answer in the form asked for. Throws `ApiProblem`. */
export async function saveFile(path: string, form: keyof typeof TYPES, name: string): Promise<void> {
  const url = URL.createObjectURL(await download(path, TYPES[form]));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${name}.${form}`;
  link.click();
  // the browser has begun to save it by then
  setTimeout(() => {
    URL.revokeObjectURL(url);
  }, 60_000);
}
