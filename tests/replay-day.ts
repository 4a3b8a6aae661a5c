import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { later } from '../base/clock.ts'
import { dayBegin, deviceDay, usualEvery, type DayMessage } from '../bench/cases/device-day.ts'
import { makeSheds } from '../bench/cases/recording.ts'
import type { Recorded } from '../gateway/history/recorded.ts'
import { replay } from '../gateway/replay.ts'

/** Replays an invented half day and prints its lines: whoever runs it compares the bytes. */
const folder = mkdtempSync(join(tmpdir(), 'ganglion-replay-'))
try {
  const box = await makeSheds(folder, 6)
  const span = { from: dayBegin, to: later(dayBegin, 12 * 3_600_000) }
  const day = deviceDay({
    ...span,
    devices: [...box.devices.values()],
    seed: 11,
    every: usualEvery,
    eventChance: 0.02,
  })
  for (const line of await replay(box, recordingOf(day), span))
    process.stdout.write(`${JSON.stringify(line)}\n`)
} finally {
  rmSync(folder, { recursive: true })
}

function* recordingOf(day: Iterable<DayMessage>): Generator<Recorded> {
  for (const { at, device, readings } of day)
    yield { is: 'message', at, siteId: device.siteId, deviceId: device.id, readings }
}
