/** A question of the API, its answer as it came, and how to ask it elsewhere: what every figure of the console can be held against. */
import type { JSX } from 'preact';
import { useAsk } from '../ask.ts';
import { showExact } from '../exact-json.ts';
import { Answer, Heading, Section } from '../ui.tsx';
import { say } from '../words.ts';
import type { ViewProps } from '../view.tsx';

export function QueryPage({ query }: ViewProps): JSX.Element {
  const path = query.get('path') ?? '';
  // what somebody sends as a link must not ask anything else
  const isQuestion = /^\/v1\/[\w./~%:@,-]*(\?[^#\s]*)?$/.test(path);
  const asked = useAsk<unknown>(isQuestion ? path : null);
  return (
    <>
      <Heading title={say('query.title')}>{say('query.title')}</Heading>
      {isQuestion ? (
        <>
          <Section title={say('query.shell')}>
            <pre tabIndex={0}>{`curl -H "Authorization: Bearer $UPTALLY_KEY" '${location.origin}${path}'`}</pre>
          </Section>
          <Section title={say('query.answer')}>
            <Answer asked={asked}>{(value) => <pre tabIndex={0}>{showExact(value)}</pre>}</Answer>
          </Section>
        </>
      ) : (
        <p>{say('query.refused')}</p>
      )}
    </>
  );
}
