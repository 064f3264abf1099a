/** Refund checks: one is made here by whoever has a key of their own, and one that was made is found by its number. */
import type { JSX } from 'preact';
import { ask, pathOf, step } from '../../shared/api.ts';
import { useAsk } from '../../shared/ask.ts';
import { go, to } from '../../shared/router.ts';
import { Answer, Field, Form, Heading, Section } from '../../shared/ui.tsx';
import { say } from '../../shared/words.ts';
import { useCustomer } from '../who.ts';
import { tell } from '../words.ts';

/** As many VMs as can be chosen from. */
const VMS_MAX = 1000;

export function Refunds(): JSX.Element {
  const { account, readsOnly } = useCustomer();
  const vms = useAsk<{ rows: readonly { vm: string }[] }>(readsOnly ? null : pathOf('/v1/vms', { account, limit: VMS_MAX }));
  return (
    <>
      <Heading title={tell('refund.title')}>{tell('refund.title')}</Heading>
      <Section title={tell('refund.check')}>
        <p>{tell('refund.how')}</p>
        {readsOnly ? (
          <p class="notice">{tell('refund.readonly')}</p>
        ) : (
          <Answer asked={vms}>
            {({ rows }) => (
              <Form
                label={tell('refund.check')}
                submit={tell('refund.check')}
                run={async ({ vm = '' }) => {
                  const { id } = await ask<{ id: string }>('/v1/refund-checks', { method: 'POST', body: { vm } });
                  go(to(`refunds/${step(id)}`));
                }}
              >
                <Field name="vm" label={say('vm')} required choices={rows.map(({ vm }) => ({ value: vm, text: vm }))} />
              </Form>
            )}
          </Answer>
        )}
      </Section>
      <Section title={tell('refund.find')}>
        <Form
          label={tell('refund.find')}
          submit={tell('refund.show')}
          run={({ id = '' }) => {
            go(to(`refunds/${step(id.trim())}`));
            return Promise.resolve();
          }}
        >
          <Field name="id" label={tell('refund.id')} required />
        </Form>
      </Section>
    </>
  );
}
