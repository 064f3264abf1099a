import { readFileSync } from 'node:fs';
import { ConfigError } from './config.ts';

/** Settings that may come from a file, as container secrets do: `NAME_FILE` holds the path. */
const SECRETS = ['UPTALLY_ADMIN_KEY', 'UPTALLY_CLICKHOUSE_URL', 'UPTALLY_KAFKA_PASSWORD', 'UPTALLY_SMTP_URL'] as const;

type Environment = Readonly<Record<string, string | undefined>>;

/** The environment with each `NAME_FILE` replaced by NAME and the file's text, without the line's end. Throws ConfigError. */
export function withSecretFiles(env: Environment, read = (path: string): string => readFileSync(path, 'utf8')): Environment {
  const resolved = { ...env };
  const faults: string[] = [];
  for (const name of SECRETS) {
    const path = resolved[`${name}_FILE`];
    Reflect.deleteProperty(resolved, `${name}_FILE`);
    if (path === undefined || path === '') continue;
    if (resolved[name] !== undefined && resolved[name] !== '') {
      faults.push(`${name} and ${name}_FILE are both set: leave one out`);
      continue;
    }
    try {
      resolved[name] = read(path).replace(/\r?\n$/, '');
    } catch (error) {
      faults.push(`${name}_FILE cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return resolved;
}
