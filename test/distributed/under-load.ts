/** Loads that go on while something is done to the processes and servers, and the comparison afterwards. */
import { expect } from 'vitest';
import { type Client, LOAD_ENV, type Load } from '../crash/load.ts';
import type { Roles } from '../support/roles.ts';
import { type StatusJson, untilStatus } from '../support/server.ts';

export { LOAD_ENV };

const LATENESS_MS = 120_000;
/** Between two tries of a client that was refused. */
const AGAIN_MS = 200;
/** How often a whole load is taken up again before something must be wrong for good. */
const TRIES = 1500;

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The front, but a status that cannot be told at the moment is asked for again. */
function patient(front: Roles['front']): Roles['front'] {
  const status = async (): Promise<StatusJson> => {
    for (let tries = 1; ; tries++) {
      try {
        return await front.status();
      } catch (error) {
        if (tries === TRIES || !(error instanceof Error && /answered 503/.test(error.message))) throw error;
        await later(AGAIN_MS);
      }
    }
  };
  return Object.create(front, { status: { value: status } }) as Roles['front'];
}

/** Sends what is left of the load; false when it was not all answered: no process was there, the connection was cut, or a 5xx came. */
async function sendPart(client: Client, front: Roles['front'], load: Load): Promise<boolean> {
  try {
    return await client.send(front, load);
  } catch (error) {
    if (error instanceof Error && /no process is there|answered 5\d\d|waited \d+ ms for everything/.test(error.message))
      return false;
    throw error;
  }
}

/** New random loads, one after another, as long as `during` goes on; the loads that were begun. */
export async function underLoad(
  client: Client,
  front: Roles['front'],
  nextSeed: () => number,
  during: () => Promise<void>,
  fleets = 4,
): Promise<Load[]> {
  const loads: Load[] = [];
  let over = false;
  const isOver = (): boolean => over;
  const sending = (async () => {
    while (!isOver()) {
      let open = loads.find((load) => load.waves.length > 0);
      if (open === undefined) {
        open = client.newLoad(nextSeed(), fleets);
        loads.push(open);
      }
      if (!(await sendPart(client, front, open))) await later(AGAIN_MS);
    }
  })();
  const done = during().finally(() => {
    over = true;
  });
  for (const outcome of await Promise.allSettled([sending, done])) if (outcome.status === 'rejected') throw outcome.reason;
  return loads;
}

/** kafkajs sends a message again that no broker has acknowledged; each time it may be in the log, and of that only the broker and it know. */
const PRODUCE_RETRIES = 3;

/** Sends what is left, waits until everything is stored at the clock that all loads have reached, and compares with the model. */
export async function allIsWell(client: Client, front: Roles['front'], loads: readonly Load[]): Promise<void> {
  for (const load of client.loads) {
    for (let tries = 1; load.waves.length > 0; tries++) {
      if (await sendPart(client, front, load)) break;
      if (tries === TRIES) throw new Error(`a load cannot be sent\n${front.output()}`);
      await later(AGAIN_MS);
    }
  }
  client.unclear += PRODUCE_RETRIES * client.answered;
  const clockMs = Math.max(...client.loads.map((load) => load.sentUntilMs));
  const reached = ({ watermark }: StatusJson): boolean => watermark !== null && Date.parse(watermark) >= clockMs - LATENESS_MS;
  await untilStatus(patient(front), 'the clock to reach every partition', reached);
  expect(await client.faults(patient(front), loads)).toEqual([]);
}
