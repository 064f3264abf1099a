import { VARIABLES } from '../../../src/process/config.ts';
import { MEANINGS } from '../../../src/process/config-meanings.ts';
import { item, page, wrapped } from './markdown.ts';

/** What a setting takes, in the words of its refusal; '' where it takes any text. */
function takes(name: keyof typeof VARIABLES): string {
  const refused = VARIABLES[name].safeParse('\0');
  const message = refused.success ? '' : (refused.error.issues[0]?.message ?? '');
  return message.startsWith('must be') ? message : '';
}

function defaultOf(name: keyof typeof VARIABLES): string {
  const parsed = VARIABLES[name].safeParse(undefined);
  const value = parsed.success ? parsed.data : undefined;
  if (value === undefined) return 'unset';
  const text = value instanceof Set || Array.isArray(value) ? [...value].join(',') : value.toString();
  return text === '' ? 'none' : `\`${text}\``;
}

export async function configurationPage(): Promise<string> {
  const names = Object.keys(VARIABLES) as (keyof typeof VARIABLES)[];
  return await page('Configuration', '`src/process/config.ts`', [
    wrapped(
      'Environment variables, checked at start; every fault is told at once, and a name that begins with `UPTALLY_` and is no setting is a fault. An empty variable is as good as none.',
    ),
    '',
    wrapped(
      'Staleness, lateness and the link limit decide what rows mean: a change holds from then on; rows that are stored keep the meaning they were made with.',
    ),
    ...names.flatMap((name) => {
      const form = takes(name);
      return [
        '',
        `## \`${name}\``,
        '',
        wrapped(MEANINGS[name]),
        '',
        item(`default: ${defaultOf(name)}`),
        ...(form === '' ? [] : [item(form.replace(/^must be /, 'takes: '))]),
      ];
    }),
    '',
    '## Secrets in files',
    '',
    wrapped(
      '`UPTALLY_ADMIN_KEY_FILE`, `UPTALLY_CLICKHOUSE_URL_FILE` and `UPTALLY_KAFKA_PASSWORD_FILE` name a file that holds the setting, as container engines mount secrets.',
    ),
    '',
    '## Of the commands',
    '',
    '`UPTALLY_SERVER` and `UPTALLY_KEY` are the address and the key of [every other command](cli.md).',
  ]);
}
