import assert from 'node:assert/strict'
import test from 'node:test'
import { ConfigError } from '../base/yaml.ts'
import { CommandsRig, commandsBox, usualDevices } from '../tests/commands-rig.ts'
import { tempFolder } from '../tests/fixtures.ts'

const MOVE = 'voice {"say":"move"}'

test('a breach is asked to end as often as the pack says, and raised with the count when it stands', async (t) => {
  const rig = await CommandsRig.open(t)
  await rig.door(true)
  assert.deepEqual([rig.cases().length, rig.wire.told], [0, [MOVE]])
  await rig.turn(59)
  assert.equal(rig.wire.told.length, 1)
  await rig.turn(1)
  assert.deepEqual([rig.cases().length, rig.wire.told], [0, [MOVE, MOVE]])
  await rig.turn(60)
  const [found] = rig.cases()
  assert.ok(found)
  assert.equal(found.why.reminders, 2)
  assert.equal(Date.parse(found.raisedAt) - Date.parse(found.since), 120_000)
  assert.deepEqual(rig.persuasions(), ['raised'])
  await rig.turn(600)
  assert.equal(rig.wire.told.length, 2)
})

test('one that ends meanwhile is no case, and the next one is asked anew', async (t) => {
  const rig = await CommandsRig.open(t)
  await rig.door(true)
  await rig.turn(70)
  await rig.door(false)
  await rig.turn(600)
  assert.deepEqual([rig.cases().length, rig.persuasions()], [0, ['heeded']])
  await rig.door(true)
  assert.deepEqual(rig.persuasions(), ['under-way', 'heeded'])
  assert.equal(rig.wire.told.length, 3)
})

test('a restart goes on where it was, with a whole wait', async (t) => {
  const rig = await CommandsRig.open(t)
  await rig.door(true)
  await rig.turn(50)
  await rig.restart()
  assert.equal(rig.wire.told.length, 1)
  await rig.turn(59)
  assert.equal(rig.wire.told.length, 1)
  await rig.turn(1)
  assert.equal(rig.wire.told.length, 2)
  await rig.restart()
  await rig.door(false)
  await rig.turn(600)
  assert.deepEqual([rig.cases().length, rig.persuasions()], [0, ['heeded']])
})

test('where nothing at the spot can speak the case is raised at once', async (t) => {
  for (const without of [
    usualDevices.replace('speak: { perHour: 20 }, ', ''),
    usualDevices.replace('part: lane, commands', 'part: elsewhere, commands'),
    usualDevices.replace('perHour: 20', "quiet: '08:00-09:00'"),
  ]) {
    const rig = await CommandsRig.open(t, without)
    await rig.door(true)
    assert.deepEqual([rig.cases().length, rig.cases()[0]?.why.reminders, rig.wire.told], [1, undefined, []])
  }
})

test('what could not be said is no reminder', async (t) => {
  const rig = await CommandsRig.open(t)
  rig.wire.answers = () => Promise.resolve({ is: 'away', reason: 'it is not connected' })
  await rig.door(true)
  await rig.turn(60)
  rig.wire.answers = () => Promise.resolve({ is: 'taken' })
  await rig.turn(60)
  assert.equal(rig.cases()[0]?.why.reminders, 0)
})

test('a drill and what a broker had kept are not talked to', async (t) => {
  const rig = await CommandsRig.open(t)
  await rig.say('contact', { open: true, test: true })
  await rig.say('contact', { open: true, test: false }, { retained: true })
  assert.deepEqual(
    rig.cases().map(({ drill }) => drill),
    [true, false],
  )
  assert.deepEqual(rig.wire.told, [])
})

const packWith = (cls: string, persuade: string): string => `
name: { zh: 试, en: Test }
rules:
  door: { version: 1, kind: alarm, class: ${cls}, source: default, settings: { quantity: doorOpen }, persuade: ${persuade}, title: { zh: 门, en: Door }, why: { zh: 门, en: Door } }
`

test('a pack that would talk to a fire, cut power to persuade, or talk without end is refused', async (t) => {
  const mistakes = async (cls: string, persuade: string): Promise<string> => {
    const error: unknown = await commandsBox(tempFolder(t), usualDevices, packWith(cls, persuade)).catch(
      (thrown: unknown) => thrown,
    )
    assert.ok(error instanceof ConfigError)
    return error.message
  }
  const fine = '{ command: speak, times: 2, wait: 60 s }'
  assert.match(await mistakes('smoke', fine), /class "smoke" is life-safety: its cases wait for nobody/)
  assert.match(
    await mistakes('door', '{ command: cut-port, times: 2, wait: 60 s }'),
    /wanted one of sound-siren, flash-lamp, speak/,
  )
  assert.match(await mistakes('door', '{ command: speak, times: 9, wait: 60 s }'), /<= 5/)
  assert.match(await mistakes('door', '{ command: speak, times: 2, wait: 2 h }'), /wanted 5 s to 1 h/)
})
