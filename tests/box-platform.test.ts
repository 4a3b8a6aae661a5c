import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { PlatformFault } from '../simulator/platform/fault.ts'
import { atEnd } from './fixtures.ts'
import {
  BEAM,
  BoxInProcess,
  dial,
  makeBox,
  SMOKE,
  smokePayload,
  TestPlatform,
  troubleOf,
  type TestBox,
} from './box-rig.ts'

/** What stands where the platform should be: it answers every connection with these bytes and hangs up. */
async function impostor(t: TestContext, box: TestBox, says: string): Promise<() => Promise<void>> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    socket.once('data', () => socket.end(says))
  })
  await once(server.listen(box.ports.platform, '127.0.0.1'), 'listening')
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    if (server.listening) await new Promise((closed) => server.close(closed))
  }
  atEnd(t, close)
  return close
}

const answer = (status: string, body: string): string =>
  `HTTP/1.1 ${status}\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`

/** An alarm of each severity while the platform misbehaves. */
async function alarmBoth(t: TestContext, box: TestBox): Promise<void> {
  const bridge = await dial(t, box, 'z2m')
  const beam = await dial(t, box, 'beam')
  await bridge.say(SMOKE, smokePayload(true))
  await beam.say(BEAM, { blocked: true })
}

async function arriveOnce(gateway: BoxInProcess, platform: TestPlatform): Promise<void> {
  await platform.gotCase('smoke')
  await platform.gotCase('beyond-door')
  await gateway.healthy('an empty outbox', ({ delivery }) => delivery[0]?.waiting === 0)
  assert.deepEqual(platform.revisionsOf('smoke'), ['shed/smoke:1'])
  assert.deepEqual(platform.revisionsOf('beyond-door'), ['shop/door-line:1'])
  assert.equal(gateway.report.delivery[0]?.refused, 0)
}

const impostors: readonly { readonly name: string; readonly says: string; readonly reason: RegExp }[] = [
  { name: 'a platform that answers 403', says: answer('403 Forbidden', 'no'), reason: /answered 403/ },
  { name: 'a platform that answers 404', says: answer('404 Not Found', 'no'), reason: /answered 404/ },
  { name: 'a platform that answers 500', says: answer('500 Oops', 'x'), reason: /answered 500/ },
  {
    name: 'a platform that answers 202 to everything',
    says: answer('202 Accepted', ''),
    reason: /platform-nonsense: it answered 202/,
  },
  {
    name: 'a platform that redirects',
    says: answer('302 Found', ''),
    reason: /platform-nonsense: it answered 302/,
  },
  {
    name: 'something that speaks no HTTP',
    says: 'SSH-2.0-OpenSSH_9.9\r\n',
    reason: /platform-nonsense|cut the connection/,
  },
  { name: 'something that hangs up without a word', says: '', reason: /cut the connection/ },
]

const faults: readonly { readonly fault: PlatformFault; readonly reason: RegExp }[] = [
  { fault: 'refused', reason: /cannot be reached \(ECONNREFUSED\)/ },
  { fault: 'unavailable', reason: /answered 503/ },
  { fault: 'retry-after', reason: /answered 503/ },
  { fault: 'hanging', reason: /did not answer within 2 s/ },
  { fault: 'nonsense', reason: /platform-nonsense: \/cases/ },
]

test(
  'a platform that misbehaves is counted and shown in health, and gets every case once when it is well',
  { concurrency: true },
  async (t) => {
    const runs: Promise<void>[] = []
    for (const { name, says, reason } of impostors) {
      const run = t.test(name, async (one) => {
        const box = await makeBox(one)
        const leave = await impostor(one, box, says)
        const gateway = await BoxInProcess.start(one, box)
        await alarmBoth(one, box)
        await isShown(gateway, reason)
        await leave()
        await arriveOnce(gateway, await TestPlatform.start(one, box))
      })
      runs.push(run)
    }
    for (const { fault, reason } of faults) {
      const run = t.test(`the platform's fault ${fault}`, async (one) => {
        const box = await makeBox(one)
        const platform = await TestPlatform.start(one, box)
        await platform.platform.setFault(fault)
        const gateway = await BoxInProcess.start(one, box)
        await alarmBoth(one, box)
        await isShown(gateway, reason)
        assert.deepEqual(platform.received, [])
        await platform.platform.setFault(undefined)
        await arriveOnce(gateway, platform)
        assert.equal(platform.platform.counters().repeats, 0)
      })
      runs.push(run)
    }
    assert.equal(runs.length, 12)
    await Promise.all(runs)
  },
)

async function isShown(gateway: BoxInProcess, reason: RegExp): Promise<void> {
  await gateway.healthy(`"platform: away" with ${reason.source}`, (report) => {
    const state = report.states.find(({ subject }) => subject === 'platform')
    const trouble = report.troubles.find(({ what }) => what === 'platform: away')
    return (
      state?.word === 'away' &&
      reason.test(state.detail) &&
      reason.test(trouble?.last ?? '') &&
      (report.delivery[0]?.waiting ?? 0) === 2
    )
  })
}

test('a case whose answer was lost is sent again, and the platform has it once', async (t) => {
  const box = await makeBox(t)
  const platform = await TestPlatform.start(t, box)
  await platform.platform.setFault('lost-answer')
  const gateway = await BoxInProcess.start(t, box)
  await alarmBoth(t, box)
  await platform.gotCase('smoke')
  await gateway.healthy('the connection cut', (report) =>
    /cut the connection/.test(troubleOf(report, 'platform: away')?.last ?? ''),
  )
  await platform.platform.setFault(undefined)
  await arriveOnce(gateway, platform)
  assert.ok(platform.platform.counters().repeats > 0)
})

test('a case that the platform refuses for good is settled, counted and shown; the next one is delivered', async (t) => {
  const box = await makeBox(t)
  const platform = await TestPlatform.start(t, box)
  await platform.platform.setFault('refuse-cases')
  const gateway = await BoxInProcess.start(t, box)
  const bridge = await dial(t, box, 'z2m')
  const beam = await dial(t, box, 'beam')
  await bridge.say(SMOKE, smokePayload(true))
  const report = await gateway.healthy('the refusal', ({ delivery }) => delivery[0]?.refused === 1)
  assert.match(troubleOf(report, 'platform-refused')?.last ?? '', /refuses cases today/)
  assert.equal(report.delivery[0]?.waiting, 0)
  await platform.platform.setFault(undefined)
  await beam.say(BEAM, { blocked: true })
  await platform.gotCase('beyond-door')
  assert.deepEqual(platform.revisionsOf('smoke'), [])
})
