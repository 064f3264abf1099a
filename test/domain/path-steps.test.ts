import { describe, expect, it } from 'vitest';
import { withNamedStep, withoutStep } from '../../src/domain/path-steps.ts';

describe('a name that is a step in a path', () => {
  it.each([
    ['v1/vms/.', 'v1/vms/~?vm=.', '/v1/vms/%2E'],
    ['v1/vms/..', 'v1/vms/~?vm=..', '/v1/vms/%2E%2E'],
    ['/v1/vms/./uptime?from=0&to=60000', '/v1/vms/~/uptime?vm=.&from=0&to=60000', '/v1/vms/%2E/uptime?from=0&to=60000'],
    ['v1/plans/../history', 'v1/plans/~/history?plan=..', '/v1/plans/%2E%2E/history'],
    ['v1/accounts/./traffic?tz=x', 'v1/accounts/~/traffic?account=.&tz=x', '/v1/accounts/%2E/traffic?tz=x'],
  ])('%s is called as %s, which no client changes, and arrives as %s', (meant, called, arrived) => {
    expect(withoutStep(meant)).toBe(called);
    const { pathname, search } = new URL(called, 'http://host/');
    expect(`${pathname}${search}`).toBe(`/${called.replace(/^\//, '')}`);
    expect(withNamedStep(`${pathname}${search}`)).toBe(arrived);
  });

  it.each(['v1/vms/a', 'v1/vms/...', 'v1/vms', 'v1/vms/.a/rows', 'v1/status', 'v1/terms/.'])('%s is called as it is', (path) => {
    expect(withoutStep(path)).toBe(path);
  });

  it.each(['/v1/vms/a?vm=.', '/v1/vms/~', '/v1/vms/~/uptime?vmx=.', '/v1/anomalies?vm=.', '/v1/vms/~a?vm=.', '/livez'])(
    '%s means what it says',
    (url) => {
      expect(withNamedStep(url)).toBe(url);
    },
  );

  it('other names may come this way too, and a + in the query stays what it was', () => {
    expect(withNamedStep('/v1/vms/~/rows?from=2026-03-01T00:00:00+08:00&vm=web')).toBe(
      '/v1/vms/web/rows?from=2026-03-01T00:00:00+08:00',
    );
  });
});
