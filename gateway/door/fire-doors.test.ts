import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CommandsRig } from '../../tests/commands-rig.ts'

/** `hot` is a fire here: life-safety, and it opens doors. */
const devices = (by: string): string => `
  - { id: station, profile: station, via: { wire: {} }, feeds: charging }
  - { id: voice, profile: voice, via: { wire: {} }, part: lane, commands: { open-door: { ${by} } } }
`
const pack = `
name: { zh: 试, en: Test }
rules:
  hot: { version: 1, kind: threshold, class: smoke, source: default, settings: { quantity: portTemperature, above: 70 °C }, act: [{ command: open-door, at: site }], title: { zh: 试, en: hot }, why: { zh: 试, en: hot } }
`
const opened = (rig: CommandsRig): number => rig.wire.told.filter((order) => order.includes('"open"')).length

test('a fire pulses the doors of its site, one pulse after the other, until it clears', async (t) => {
  const rig = await CommandsRig.open(t, devices('by: [rule]'), pack)
  await rig.heat(1, 80)
  assert.equal(opened(rig), 1)
  for (let pulses = 2; pulses <= 5; pulses++) {
    await rig.turn(3)
    assert.equal(opened(rig), pulses)
  }
  await rig.heat(1, 20)
  await rig.turn(60)
  assert.equal(opened(rig), 5)
  assert.deepEqual(new Set(rig.recorded()), new Set(['hot open-door: unconfirmed']))
})

test('after ten minutes one pulse in half a minute is enough', async (t) => {
  const rig = await CommandsRig.open(t, devices('by: [rule]'), pack)
  await rig.heat(1, 80)
  for (let i = 0; i < 202; i++) await rig.turn(3)
  const before = opened(rig)
  assert.ok(before >= 200, `${before} pulses in ten minutes`)
  await rig.turn(30)
  await rig.turn(30)
  assert.equal(opened(rig), before + 2)
})

test('a fire that still stands after a restart goes on opening; one whose case is closed by people does not', async (t) => {
  const rig = await CommandsRig.open(t, devices('by: [rule]'), pack)
  await rig.heat(1, 80)
  await rig.restart()
  const before = opened(rig)
  await rig.turn(3)
  assert.equal(opened(rig), before + 1)
  const [one] = rig.cases()
  await rig.store.put(['endCase', 1, one?.key ?? ''])
  await rig.turn(60)
  assert.equal(opened(rig), before + 1)
})

test('where the site does not name rules, no rule opens its doors, and nothing is asked', async (t) => {
  for (const by of ['', 'by: [person, access]']) {
    const rig = await CommandsRig.open(t, devices(by), pack)
    await rig.heat(1, 80)
    await rig.turn(10)
    assert.deepEqual([opened(rig), rig.recorded()], [0, []])
  }
})

test('credentials and fires are not counted among the openings that people may ask for', async (t) => {
  const rig = await CommandsRig.open(t, devices('perHour: 1'), pack)
  const wish = { deviceId: 'voice', command: 'open-door', part: '' } as const
  for (let i = 0; i < 20; i++) {
    const { outcome } = await rig.ask({ ...wish, by: { kind: 'access', id: 'card:c-1' } })
    assert.equal(outcome, 'unconfirmed')
  }
  assert.equal((await rig.ask(wish)).outcome, 'unconfirmed')
  assert.match((await rig.ask(wish)).detail, /the site allows 1/)
  await rig.restart()
  assert.match((await rig.ask(wish)).detail, /the site allows 1/)
  assert.equal((await rig.ask({ ...wish, by: { kind: 'access', id: 'card:c-1' } })).outcome, 'unconfirmed')
})
