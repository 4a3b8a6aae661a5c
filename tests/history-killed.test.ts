import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { instant } from '../base/clock.ts'
import { historyFileOf } from '../gateway/history/history-file.ts'
import { readHistory } from '../gateway/history/reader.ts'
import { tempFolder } from './fixtures.ts'

const KILLS = 4

/** Runs the loop until it has stored so many more numbers, then kills it; the last number that it printed. */
async function runAndKill(folder: string, more: number): Promise<number> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'history-loop.ts'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let last = -1
  let lines = 0
  for await (const line of createInterface({ input: child.stdout })) {
    last = Number(line)
    if (++lines === more) child.kill('SIGKILL')
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  assert.equal(child.signalCode, 'SIGKILL')
  return last
}

test('kill -9 between moving and pruning: what was acknowledged is read back once and in order', async (t) => {
  const folder = tempFolder(t)
  for (let round = 0; round < KILLS; round++) {
    const last = await runAndKill(folder, 100 + round * 37)
    const log = new Database(join(folder, 'ganglion.db'), { readonly: true })
    const history = new Database(historyFileOf(folder), { readonly: true })
    const values = [
      ...readHistory(log, history, { from: instant(0), to: instant(Number.MAX_SAFE_INTEGER) }),
    ].flatMap((one) => (one.is === 'message' ? one.readings.map(({ value }) => Number(value)) : []))
    const inLog = log.prepare('SELECT count(*) FROM arrivals').pluck().get() as number // one integer
    log.close()
    history.close()
    assert.ok(values.length > last, `${values.length} are there of at least ${last + 1}`)
    assert.deepEqual(
      values,
      values.map((_, i) => i),
    )
    assert.ok(inLog < 150, `${inLog} rows are left in the log`)
  }
})
