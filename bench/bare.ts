import { join } from 'node:path'
import { Aedes, type PublishPacket } from 'aedes'
import Database from 'better-sqlite3'
import { createServer } from 'node:net'
import { Pool } from 'undici'

/**
 * The bare script that the product is measured against: aedes → SQLite → HTTP with the same promise (a message is
 * acknowledged once it is on the disk, a change waits in an outbox until the platform has it), and nothing else: no
 * accounts, no rules, no signatures, no checks.
 */
export interface BareOptions {
  readonly port: number
  readonly folder: string
  readonly receiver: string
  readonly commitDelayMs: number
}

const BATCH = 100
const PARALLEL = 2

interface Waiting {
  readonly device: string
  readonly body: string
  readonly done: () => void
}

interface Change {
  readonly seq: number
  readonly device: string
  readonly revision: number
  readonly isOn: boolean
}

export async function startBare({ port, folder, receiver, commitDelayMs }: BareOptions): Promise<void> {
  const db = new Database(join(folder, 'bare.db'))
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.exec('CREATE TABLE IF NOT EXISTS last (device TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID')
  db.exec('CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY, body TEXT NOT NULL)')
  const putLast = db.prepare('INSERT OR REPLACE INTO last VALUES (?, ?)')
  const putOutbox = db.prepare('INSERT INTO outbox VALUES (?, ?)')
  const settle = db.prepare('DELETE FROM outbox WHERE seq = ?')
  const pool = new Pool(new URL(receiver).origin, { connections: PARALLEL })
  const states = new Map<string, { isOn: boolean; revision: number }>()
  const sleeper = new Int32Array(new SharedArrayBuffer(4))
  let waiting: Waiting[] = []
  let settled: number[] = []
  const outbox: Change[] = []
  let seq = 0
  let requests = 0
  let isFlushing = false

  const store = db.transaction((messages: readonly Waiting[]) => {
    for (const { device, body } of messages) {
      putLast.run(device, body)
      const state = states.get(device) ?? { isOn: false, revision: 0 }
      const isOn = (JSON.parse(body) as { smoke: boolean }).smoke // the sender's own payload
      if (isOn === state.isOn) continue
      const change = { seq: ++seq, device, revision: state.revision + 1, isOn }
      states.set(device, change)
      putOutbox.run(change.seq, JSON.stringify(change))
      outbox.push(change)
    }
    for (const done of settled) settle.run(done)
  })

  const flush = (): void => {
    isFlushing = false
    const messages = waiting
    waiting = []
    if (commitDelayMs > 0) Atomics.wait(sleeper, 0, 0, commitDelayMs)
    store(messages)
    settled = []
    for (const { done } of messages) done()
    while (requests < PARALLEL && outbox.length > 0) void deliver(outbox.splice(0, BATCH))
  }
  const flushSoon = (): void => {
    if (isFlushing) return
    isFlushing = true
    setImmediate(flush)
  }

  const deliver = async (batch: readonly Change[]): Promise<void> => {
    requests++
    const { body } = await pool.request({ method: 'POST', path: '/', body: JSON.stringify(batch) })
    await body.dump()
    requests--
    settled.push(...batch.map((change) => change.seq))
    flushSoon()
  }

  const broker = await Aedes.createBroker({
    concurrency: 0,
    authorizePublish: (_client, { topic, payload }: PublishPacket, done) => {
      waiting.push({ device: topic, body: payload.toString(), done: () => done(null) })
      flushSoon()
    },
  })
  const server = createServer({ noDelay: true }, (socket) => void broker.handle(socket))
  await new Promise<void>((resolve) => server.listen({ port, host: '127.0.0.1', backlog: 2048 }, resolve))
}

if (import.meta.main) {
  await startBare(JSON.parse(process.env['GANGLION_BARE'] ?? '{}') as BareOptions) // written by the bench
  process.on('message', () => process.exit())
  process.on('disconnect', () => process.exit())
  process.send?.({ is: 'listening' })
}
