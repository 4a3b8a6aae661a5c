import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MqttStore } from '../../gateway/ports.ts'
import { Sessions, type SessionLimits } from './sessions.ts'
import type { BrokerPacket } from './stored-packet.ts'

class Rows implements MqttStore {
  readonly rows = new Map<string, { kind: string; key: string; value: Uint8Array }>()

  load(): Iterable<{ kind: string; key: string; value: Uint8Array }> {
    // As SQLite answers: plain bytes, in any order.
    return [...this.rows.values()].reverse().map((row) => ({ ...row, value: Uint8Array.from(row.value) }))
  }

  async put(kind: string, key: string, value: Uint8Array): Promise<void> {
    this.rows.set(`${kind} ${key}`, { kind, key, value })
  }

  async delete(kind: string, key: string): Promise<void> {
    this.rows.delete(`${kind} ${key}`)
  }
}

const generous: SessionLimits = { sessionsPerAccount: 8, queued: 100, retainedBytesPerAccount: 1_000_000 }

function open(store: MqttStore, limits = generous): { sessions: Sessions; dropped: string[] } {
  const dropped: string[] = []
  const sessions = new Sessions({
    store,
    limits,
    maySubscribe: (_clientId, filter) => !filter.startsWith('secret/'),
    dropped: (what, example) => dropped.push(`${what}: ${example}`),
  })
  return { sessions, dropped }
}

const packet = (topic: string, payload: string, more: Partial<BrokerPacket> = {}): BrokerPacket => ({
  cmd: 'publish',
  topic,
  payload: Buffer.from(payload),
  qos: 1,
  retain: false,
  dup: false,
  brokerId: 'broker',
  brokerCounter: 1,
  ...more,
})

async function payloads(stream: AsyncIterable<unknown>): Promise<string[]> {
  const found: string[] = []
  for await (const item of stream) found.push((item as BrokerPacket).payload.toString())
  return found
}

test('everything that must be remembered is there after a restart', async () => {
  const rows = new Rows()
  const { sessions } = open(rows)
  await sessions.setup({ id: 'broker' })
  await sessions.keepRetained('z2m', packet('a/state', 'on\nline', { retain: true }))
  await sessions.addSubscriptions({ id: 'z2m/c' }, [{ topic: 'a/+', qos: 1 }])
  for (const n of [1, 2, 12]) {
    const to = await sessions.subscriptionsByTopic('a/x')
    await sessions.outgoingEnqueueCombi(to, packet('a/x', `m${n}`, { brokerCounter: n }))
  }
  await sessions.putWill({ id: 'z2m/c' }, packet('a/will', 'gone'))

  const again = open(rows).sessions
  assert.deepEqual(await payloads(again.createRetainedStream('a/#')), ['on\nline'])
  assert.deepEqual(await again.subscriptionsByClient({ id: 'z2m/c' }), [{ topic: 'a/+', qos: 1 }])
  assert.deepEqual(await payloads(again.outgoingStream({ id: 'z2m/c' })), ['m1', 'm2', 'm12'])
  assert.deepEqual(await payloads(again.streamWill({ another: 1 })), ['gone'])
  assert.deepEqual(await payloads(again.streamWill({ broker: 1 })), [])
  await again.outgoingEnqueue({ clientId: 'z2m/c' }, packet('a/x', 'm13'))
  assert.deepEqual(await payloads(open(rows).sessions.outgoingStream({ id: 'z2m/c' })), [
    'm1',
    'm2',
    'm12',
    'm13',
  ])
})

test('a refused subscription queues nothing', async () => {
  const { sessions } = open(new Rows())
  await sessions.addSubscriptions({ id: 'a/c' }, [
    { topic: 'secret/x', qos: 1 },
    { topic: 'own', qos: 1 },
  ])
  assert.deepEqual(await sessions.subscriptionsByTopic('secret/x'), [])
  assert.equal((await sessions.subscriptionsByTopic('own')).length, 1)
})

test('the oldest message of a full queue goes, and its row with it', async () => {
  const rows = new Rows()
  const { sessions, dropped } = open(rows, { ...generous, queued: 2 })
  for (const n of [1, 2, 3]) await sessions.outgoingEnqueue({ clientId: 'a/c' }, packet('t', `m${n}`))
  assert.deepEqual(await payloads(sessions.outgoingStream({ id: 'a/c' })), ['m2', 'm3'])
  assert.equal(rows.rows.size, 2)
  assert.deepEqual(dropped, ['queued messages beyond the bound: a/c'])
})

test('an account leaves so many sessions behind and no more; other accounts keep theirs', async () => {
  const rows = new Rows()
  const { sessions } = open(rows, { ...generous, sessionsPerAccount: 2 })
  await sessions.addSubscriptions({ id: 'b/c' }, [{ topic: 't', qos: 1 }])
  for (const n of [1, 2, 3]) await sessions.addSubscriptions({ id: `a/c${n}` }, [{ topic: 't', qos: 1 }])
  const left = (await sessions.subscriptionsByTopic('t')).map(({ clientId }) => clientId)
  assert.deepEqual(left.sort(), ['a/c2', 'a/c3', 'b/c'])
  assert.equal(rows.rows.size, 3)
})

test('retained messages of an account are bounded, also after a restart', async () => {
  const rows = new Rows()
  const limits = { ...generous, retainedBytesPerAccount: 1000 }
  const first = open(rows, limits).sessions
  assert.ok(await first.keepRetained('a', packet('a/1', 'x'.repeat(400))))
  const { sessions, dropped } = open(rows, limits)
  assert.ok(!(await sessions.keepRetained('a', packet('a/2', 'x'.repeat(600)))))
  assert.equal(dropped.length, 1)
  // The same topic anew counts once, and an empty payload makes room.
  assert.ok(await sessions.keepRetained('a', packet('a/1', 'y'.repeat(700))))
  assert.ok(await sessions.keepRetained('a', packet('a/1', '')))
  assert.ok(await sessions.keepRetained('a', packet('a/2', 'x'.repeat(600))))
  assert.deepEqual([...rows.rows.keys()], ['retained a/2'])
})

test('a clean session takes the old one and its queue away', async () => {
  const rows = new Rows()
  const { sessions } = open(rows)
  await sessions.addSubscriptions({ id: 'a/c' }, [{ topic: 't', qos: 1 }])
  await sessions.outgoingEnqueue({ clientId: 'a/c' }, packet('t', 'm'))
  await sessions.cleanSubscriptions({ id: 'a/c' })
  assert.equal(rows.rows.size, 0)
  assert.deepEqual(await payloads(sessions.outgoingStream({ id: 'a/c' })), [])
})

test('wills stay when the gateway stops', async () => {
  const rows = new Rows()
  const { sessions } = open(rows)
  await sessions.putWill({ id: 'a/c' }, packet('t', 'gone'))
  sessions.freeze()
  await sessions.delWill({ id: 'a/c' })
  assert.equal(rows.rows.size, 1)
})

test('rows of a newer Ganglion are refused and not misread', async () => {
  const rows = new Rows()
  await rows.put('retained', 't', Buffer.from('{"v":2}\n'))
  assert.throws(() => open(rows), { code: 'store-newer' })
})
