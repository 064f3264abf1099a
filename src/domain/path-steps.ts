/**
 * A name that is a step in a path: `.` and `..` are refused today, but samples and catalogs of versions before may have them, and what is
 * stored must be readable. Clients and proxies take such a segment out of a path, also when it is written as %2E (WHATWG URL), so that it
 * never arrives. `/v1/vms/~/uptime?vm=.` is the same call with the name in the query: ~ is no character of any name.
 */
const NAMED = /^(\/?v1\/(vm|plan|account)s\/)(\.{1,2})(?=[/?]|$)/;
const PLACEHOLDER = /^(\/v1\/(vm|plan|account)s\/)~(?=[/?]|$)/;

/** The address that a client calls for the one that it means. */
export function withoutStep(path: string): string {
  const place = NAMED.exec(path);
  if (place === null) return path;
  const [, parent = '', kind = '', name = ''] = place;
  const [before = '', query] = path.replace(NAMED, `${parent}~`).split('?', 2);
  return `${before}?${kind}=${name}${query === undefined ? '' : `&${query}`}`;
}

/** The address that was meant, as the router takes it, for the one that was called. Any other is left as it is. */
export function withNamedStep(url: string): string {
  const place = PLACEHOLDER.exec(url);
  if (place === null) return url;
  const [, parent = '', kind = ''] = place;
  const [path = '', query = ''] = url.split('?', 2);
  const parameters = query.split('&');
  const name = parameters.find((parameter) => parameter.startsWith(`${kind}=`))?.slice(kind.length + 1);
  if (name === undefined) return url;
  const rest = parameters.filter((parameter) => !parameter.startsWith(`${kind}=`)).join('&');
  return `${path.replace(PLACEHOLDER, `${parent}${name.replaceAll('.', '%2E')}`)}${rest === '' ? '' : `?${rest}`}`;
}
