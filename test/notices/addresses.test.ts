import { describe, expect, it } from 'vitest';
import { Reachable } from '../../src/notices/webhook/addresses.ts';
import { post } from '../../src/notices/webhook/post.ts';
import { answer, webhookReceiver } from '../support/webhook-receiver.ts';

const nowhere = new Reachable([]);
const BODY = '{"id":"msg_1"}';
const HEADERS = { 'webhook-id': 'msg_1' };

describe('nothing is posted to', () => {
  it.each([
    ['loopback', '127.0.0.1', '127.9.9.9', '::1'],
    ['private networks', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fd00::1', 'fc00::1'],
    ['links', '169.254.169.254', 'fe80::1', 'fe80::1%eth0'],
    ['carriers', '100.64.0.1', '100.127.255.255'],
    ['this host, all hosts, many hosts', '0.0.0.0', '::', '255.255.255.255', '224.0.0.1', 'ff02::1'],
    ['IPv4 in IPv6', '::ffff:127.0.0.1', '::ffff:7f00:1', '::FFFF:10.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::', '::127.0.0.1'],
    ['documentation and tests', '192.0.2.1', '198.51.100.1', '203.0.113.9', '198.18.0.1', '2001:db8::1', '3fff::1'],
    ['what is no address', '', 'localhost', '1.2.3', '0x7f000001'],
  ])('%s', (_, ...addresses) => {
    expect(addresses.filter((address) => nowhere.may(address))).toEqual([]);
  });

  it.each(['1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:1.1.1.1'])('but %s is public', (address) => {
    expect(nowhere.may(address)).toBe(true);
  });

  it('but a setting allows networks, also for addresses that are written otherwise', () => {
    const some = new Reachable(['10.0.0.0/8', 'fd00::/8']);
    expect(['10.1.1.1', '::ffff:10.1.1.1', 'fd12::1'].map((address) => some.may(address))).toEqual([true, true, true]);
    expect(some.may('192.168.0.1')).toBe(false);
  });
});

describe('a name is connected to where it was found to be, and nowhere else', () => {
  const post1 = async (url: string, networks: string[], addresses: readonly string[]) => {
    let asked = 0;
    const resolve: Parameters<typeof post>[3]['resolve'] = (_host, done) => {
      const address = addresses[Math.min(asked++, addresses.length - 1)] ?? '';
      done(null, [{ address, family: address.includes(':') ? 6 : 4 }]);
    };
    const posted = await post(new URL(url), HEADERS, BODY, { reachable: new Reachable(networks), resolve, deadlineMs: 2_000 });
    return { ...posted, asked };
  };

  it('one that leads to loopback is refused, written as a name or as an address of any kind', async () => {
    const receiver = await webhookReceiver();
    const { port } = new URL(receiver.url);
    const urls = ['hooks.example', '127.0.0.1', '2130706433', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]'].map(
      (host) => `https://${host}:${port}/`,
    );
    for (const url of urls) expect((await post1(url, [], ['127.0.0.1'])).why, url).toMatch(/where nothing is posted to/);
    expect(receiver.events).toEqual([]);
    await receiver.close();
  });

  it('it is asked for once, so a name that says another address the next time leads nowhere else', async () => {
    const receiver = await webhookReceiver();
    const { port } = new URL(receiver.url);
    const posted = await post1(`http://rebinding.example:${port}/hook`, ['127.0.0.0/8'], ['127.0.0.1', '10.0.0.1']);
    expect(posted).toMatchObject({ status: 204, asked: 1 });
    await receiver.close();
  });

  it('without TLS only networks of the setting are reached: nothing goes over the internet in plain text', async () => {
    expect((await post1('http://hooks.example/', ['127.0.0.0/8'], ['93.184.216.34'])).why).toMatch(/where nothing is posted to/);
  });

  it('a receiver that asks for patience says for how long', async () => {
    const receiver = await webhookReceiver();
    receiver.answering = answer(429, { 'retry-after': '7' });
    const options = { reachable: new Reachable(['127.0.0.1/32']) };
    const url = new URL(receiver.url);
    expect(await post(url, HEADERS, BODY, options)).toEqual({
      status: 429,
      why: 'answered 429',
      retryAfterMs: 7_000,
    });
    await receiver.close();
    expect(await post(url, HEADERS, BODY, options)).toMatchObject({ status: 0, why: expect.stringContaining('ECONNREFUSED') as string }); // prettier-ignore
  });
});
