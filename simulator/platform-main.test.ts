import assert from 'node:assert/strict'
import { fork, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import type { FromPlatform, ToPlatform } from './platform/messages.ts'

const main = join(import.meta.dirname, 'platform-main.ts')
const options = JSON.stringify({ host: '127.0.0.1', port: 0, keys: {} })

const next = async (child: ChildProcess): Promise<FromPlatform> => {
  const [message] = (await once(child, 'message')) as [FromPlatform]
  return message
}
const say = (child: ChildProcess, message: ToPlatform): boolean => child.send(message)

test('the platform runs as a process: it listens, answers questions, misbehaves when told, and stops', async () => {
  const child = fork(main, { env: { ...process.env, GANGLION_PLATFORM: options } })
  const listening = await next(child)
  assert.ok(listening.is === 'listening')
  assert.equal((await fetch(`${listening.url}/stages`)).status, 401)
  say(child, { is: 'ask', id: 1, what: 'counters' })
  const answer = await next(child)
  assert.ok(answer.is === 'answer' && answer.what === 'counters')
  assert.equal(answer.value.unsigned, 1)
  say(child, { is: 'fault', fault: 'refused' })
  assert.deepEqual(await next(child), { is: 'fault-set', fault: 'refused' })
  await assert.rejects(fetch(listening.url))
  say(child, { is: 'fault', fault: null })
  assert.deepEqual(await next(child), { is: 'fault-set', fault: null })
  assert.equal((await fetch(`${listening.url}/stages`)).status, 401)
  say(child, { is: 'stop' })
  assert.deepEqual(await once(child, 'exit'), [0, null])
})

test('it takes its options from standard input, and ends when it cannot listen', async () => {
  const child = spawn(process.execPath, [main], { env: { ...process.env, GANGLION_PLATFORM: undefined } })
  child.stdin.end(JSON.stringify({ host: '203.0.113.1', port: 1, keys: {} }))
  const [said, exit] = await Promise.all([text(child.stderr), once(child, 'exit')])
  assert.match(said, /cannot listen on 203.0.113.1:1/)
  assert.deepEqual(exit, [1, null])
})

test('it stops when its parent is gone', async () => {
  const child = fork(main, { env: { ...process.env, GANGLION_PLATFORM: options } })
  await next(child)
  child.disconnect()
  assert.deepEqual(await once(child, 'exit'), [0, null])
})
