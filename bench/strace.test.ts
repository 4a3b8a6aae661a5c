import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durableAcknowledgements, parseTrace } from './strace.ts'

const PORT = 18883
const socket = (client: number): string => `TCP:[127.0.0.1:${PORT}->127.0.0.1:${client}]`
/** As `strace -xx` writes a path. */
const wal = [...Buffer.from('/data/ganglion.db-wal')].map((byte) => `\\x${byte.toString(16)}`).join('')

const publish = (client: number): string =>
  `7 1.1 read(24<${socket(client)}>, "\\x32\\x05\\x01\\x02"..., 65536) = 130`
const puback = (client: number): string => `7 1.4 write(24<${socket(client)}>, "\\x40\\x02\\x00\\x01", 4) = 4`
const sync = `9 1.2 fdatasync(25<${wal}>) = 0`

const judged = (...lines: readonly string[]): { readonly seen: number; readonly durable: number } =>
  durableAcknowledgements(parseTrace(lines), PORT)

test('a path is read back from its hexadecimal form, bytes and result too', () => {
  const [call] = parseTrace([publish(1)])
  assert.deepEqual([...(call?.bytes ?? [])], [0x32, 5, 1, 2])
  assert.equal(call?.target, socket(1))
  assert.equal(call.result, 130)
  assert.equal(parseTrace([sync])[0]?.target, '/data/ganglion.db-wal')
})

test('a sync between the read and the acknowledgement makes it durable', () => {
  assert.deepEqual(judged(publish(1), sync, puback(1)), { seen: 1, durable: 1 })
})

test('an acknowledgement without a sync, or before it, is not durable', () => {
  assert.deepEqual(judged(publish(1), puback(1)), { seen: 1, durable: 0 })
  assert.deepEqual(judged(publish(1), puback(1), sync), { seen: 1, durable: 0 })
})

test('a sync that began before the message was read proves nothing, even if it ends later', () => {
  const lines = [
    `9 1.0 fdatasync(25<${wal}> <unfinished ...>`,
    publish(1),
    '9 1.2 <... fdatasync resumed>) = 0',
    puback(1),
  ]
  assert.deepEqual(judged(...lines), { seen: 1, durable: 0 })
})

test('a sync that is not over when the acknowledgement begins proves nothing', () => {
  const lines = [
    publish(1),
    `9 1.2 fdatasync(25<${wal}> <unfinished ...>`,
    puback(1),
    '9 1.5 <... fdatasync resumed>) = 0',
  ]
  assert.deepEqual(judged(...lines), { seen: 1, durable: 0 })
})

test('a sync that failed, or of another file, proves nothing', () => {
  assert.deepEqual(
    judged(publish(1), `9 1.2 fdatasync(25<${wal}>) = -1 EIO (Input/output error)`, puback(1)),
    {
      seen: 1,
      durable: 0,
    },
  )
  assert.deepEqual(judged(publish(1), '9 1.2 fsync(25<\\x2f\\x64\\x62>) = 0', puback(1)), {
    seen: 1,
    durable: 0,
  })
})

test('one sync is enough for all that were read before it', () => {
  assert.deepEqual(judged(publish(1), publish(2), sync, puback(2), puback(1)), { seen: 2, durable: 2 })
})

test('one sync does not serve the next message of the same connection', () => {
  assert.deepEqual(judged(publish(1), sync, puback(1), publish(1), puback(1)), { seen: 2, durable: 1 })
  assert.deepEqual(judged(publish(1), sync, puback(1), puback(1)), { seen: 2, durable: 1 })
})

test('a read that was interrupted by another thread counts from its end', () => {
  const lines = [
    `7 1.0 read(24<${socket(1)}>,  <unfinished ...>`,
    sync,
    '7 1.1 <... read resumed>"\\x32\\x05\\x01\\x02"..., 65536) = 130',
    puback(1),
  ]
  assert.deepEqual(judged(...lines), { seen: 1, durable: 0 })
})

test('an acknowledgement that is written in pieces is seen', () => {
  const gathered = `7 1.4 writev(24<${socket(1)}>, [{iov_base="\\x40", iov_len=1}, {iov_base="\\x02\\x00\\x01", iov_len=3}], 2) = 4`
  assert.deepEqual(judged(publish(1), sync, gathered), { seen: 1, durable: 1 })
})

test('other connections and other lines are passed over', () => {
  const lines = [
    '7 1.0 +++ exited with 0 +++',
    'rubbish',
    '7 1.0 write(3<TCP:[127.0.0.1:80->127.0.0.1:9]>, "\\x40\\x02", 2) = 2',
  ]
  assert.deepEqual(judged(...lines), { seen: 0, durable: 0 })
})
