import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/process/config.ts';
import { withSecretFiles } from '../../src/process/secret-files.ts';

const FILES: Record<string, string> = { '/key': 'a-key-from-a-file\n', '/url': 'http://u:p@clickhouse:8123' };
const read = (path: string): string => {
  const text = FILES[path];
  if (text === undefined) throw new Error(`ENOENT: no such file: ${path}`);
  return text;
};

describe('settings from files', () => {
  it('take the place of the setting, without the end of the line; other settings stay', () => {
    const env = { UPTALLY_ADMIN_KEY_FILE: '/key', UPTALLY_CLICKHOUSE_URL_FILE: '/url', UPTALLY_KAFKA_PASSWORD_FILE: '', A: 'b' };
    expect(withSecretFiles(env, read)).toEqual({
      UPTALLY_ADMIN_KEY: 'a-key-from-a-file',
      UPTALLY_CLICKHOUSE_URL: FILES['/url'],
      A: 'b',
    });
  });

  it('are refused where the setting is given as well, or the file is not there; every fault is named, no secret is', () => {
    const env = { UPTALLY_ADMIN_KEY: 'secret', UPTALLY_ADMIN_KEY_FILE: '/key', UPTALLY_KAFKA_PASSWORD_FILE: '/gone' };
    const refused = (): unknown => withSecretFiles(env, read);
    expect(refused).toThrow(ConfigError);
    expect(refused).toThrow(
      /UPTALLY_ADMIN_KEY and UPTALLY_ADMIN_KEY_FILE are both set[^]*UPTALLY_KAFKA_PASSWORD_FILE cannot be read: ENOENT/,
    );
    expect(refused).not.toThrow(/secret|a-key/);
  });

  it('are for secrets only', () => {
    expect(withSecretFiles({ UPTALLY_PORT_FILE: '/key' }, read)).toEqual({ UPTALLY_PORT_FILE: '/key' });
  });
});
