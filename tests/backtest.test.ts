import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { isoTime, later } from '../base/clock.ts'
import { dayBegin } from '../bench/cases/device-day.ts'
import { makeSheds, recordDays } from '../bench/cases/recording.ts'
import { mainFile, shippedRooms } from '../commands/rooms.ts'
import type { Backtest } from '../commands/rules/backtest.ts'
import { tempFolder } from './fixtures.ts'

const run = promisify(execFile)

test('a backtest over a recorded morning names what a changed pack adds, and the setting that does it', async (t) => {
  const folder = tempFolder(t)
  const box = await makeSheds(join(folder, 'box'), 4)
  const to = later(dayBegin, 3 * 3_600_000)
  const devices = [...box.devices.values()]
  const recorded = await recordDays(join(folder, 'data'), {
    devices,
    from: dayBegin,
    to,
    seed: 3,
    eventChance: 0.1,
  })

  const { packs } = await shippedRooms()
  const shipped = readFileSync(join(packs, 'ebike-shed.yaml'), 'utf8')
  const backtest = async (pack: string, ...more: string[]): Promise<{ stdout: string }> => {
    writeFileSync(join(folder, 'tried.yaml'), pack)
    const folders = ['--box', join(folder, 'box'), '--data', join(folder, 'data')]
    const span = ['--since', '3h', '--until', isoTime(to)]
    const words = ['rules', 'backtest', '--pack', join(folder, 'tried.yaml'), ...span, ...folders, ...more]
    return run(process.execPath, [mainFile, ...words], { maxBuffer: 2 ** 26 })
  }
  const asJson = async (pack: string, ...more: string[]): Promise<Backtest> =>
    JSON.parse((await backtest(pack, '--json', ...more)).stdout) as Backtest // its own words

  const same = await asJson(shipped)
  assert.equal(same.messages, recorded.messages)
  assert.equal(same.readings, recorded.readings)
  assert.equal(same.insteadOf, 'ebike-shed')
  assert.deepEqual([same.changes, same.differences], [{}, []])
  const raised = same.rules.reduce((all, { before }) => all + before, 0)
  assert.ok(raised > 5, `${raised} cases were raised`)

  const tried = shipped.replace('above: 500 mA, clearBelow: 300 mA', 'above: 400 mA, clearBelow: 300 mA')
  assert.notEqual(tried, shipped)
  const lower = await asJson(tried)
  assert.deepEqual(lower.changes, { 'residual-current': ['settings.above: 500 mA → 400 mA'] })
  assert.ok(lower.differences.some(({ is }) => is === 'added'))
  for (const { reason } of lower.differences) assert.match(reason, /^residual-current: settings\.above/)
  const [site] = lower.differences
  assert.ok(site)
  const atOne = await asJson(tried, '--site', site.case.siteId)
  assert.deepEqual(
    atOne.differences,
    lower.differences.filter((one) => one.case.siteId === site.case.siteId),
  )
  const { stdout } = await backtest(tried)
  assert.match(stdout, /in place of ebike-shed/)
  assert.match(stdout, /\n\+ 2026-03-0[12] .*residual-current \(leakage\)/)

  await assert.rejects(backtest(tried, '--site', 'nowhere'), /unknown site "nowhere"/)
  await assert.rejects(
    backtest(shipped.replace('kind: threshold', 'kind: treshold')),
    /tried\.yaml:\d+ .*did you mean "threshold"/,
  )
})
