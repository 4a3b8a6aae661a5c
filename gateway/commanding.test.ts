import assert from 'node:assert/strict'
import test from 'node:test'
import { later } from '../base/clock.ts'
import { CommandsRig, usualDevices } from '../tests/commands-rig.ts'
import type { Sent } from './order.ts'

test('a command is confirmed by the reading that shows it, and written down before it goes out', async (t) => {
  const rig = await CommandsRig.open(t)
  await rig.power(1, 640)
  let wasWritten = false
  rig.wire.answers = () => {
    wasWritten =
      rig.store.reader.prepare("SELECT 1 FROM commands WHERE outcome = 'under-way'").get() !== undefined
    return Promise.resolve({ is: 'taken' })
  }
  const asked = await rig.ask()
  assert.equal(asked.outcome, 'under-way')
  assert.ok(wasWritten)
  assert.deepEqual(rig.wire.told, ['station {"off":"1"}'])
  await rig.power(2, 0)
  await rig.power(1, 640)
  assert.equal(rig.of(asked.requestId).outcome, 'under-way')
  await rig.turn(3)
  await rig.power(1, 0.4)
  const { outcome, detail, endedAt, askedAt } = rig.of(asked.requestId)
  assert.deepEqual([outcome, detail], ['confirmed', 'the device took it; read back: port-1/portPower 0.4'])
  assert.equal((endedAt ?? 0) - askedAt, 3000)
})

test('what no reading shows in time is unconfirmed, with what was read instead', async (t) => {
  const rig = await CommandsRig.open(t)
  const silent = await rig.ask()
  await rig.turn(11)
  assert.match(rig.of(silent.requestId).detail, /portPower ≤ 1 W within 10 s, nothing was read$/)
  const other = await rig.ask({ part: 'port-2' })
  await rig.power(2, 300)
  await rig.turn(11)
  assert.equal(rig.of(other.requestId).outcome, 'unconfirmed')
  assert.match(rig.of(other.requestId).detail, /it was port-2\/portPower 300$/)
  // Too late: what came of it is written already.
  await rig.power(2, 0)
  assert.equal(rig.of(other.requestId).outcome, 'unconfirmed')
})

test('a reading that is older than the command proves nothing', async (t) => {
  const rig = await CommandsRig.open(t)
  const time = rig.clock.now()
  await rig.turn(30)
  const asked = await rig.ask()
  await rig.say('station', { ports: { 1: { power: 0 } } }, { time, messageId: 'late' })
  assert.equal(rig.of(asked.requestId).outcome, 'under-way')
  await rig.say('station', { ports: { 1: { power: 0 } } }, { retained: true })
  assert.equal(rig.of(asked.requestId).outcome, 'under-way')
})

const answers: readonly (readonly [Sent, string, RegExp])[] = [
  [{ is: 'refused', reason: 'the unit answered: illegal function' }, 'failed', /illegal function/],
  [{ is: 'away', reason: 'it is not connected' }, 'failed', /not connected/],
  [{ is: 'silent', reason: 'no answer' }, 'unconfirmed', /no answer; wanted portPower/],
]
for (const [sent, outcome, why] of answers) {
  test(`a device that answers "${sent.is}" makes it ${outcome}`, async (t) => {
    const rig = await CommandsRig.open(t)
    rig.wire.answers = () => Promise.resolve(sent)
    const { requestId } = await rig.ask()
    await rig.turn(11)
    assert.equal(rig.of(requestId).outcome, outcome)
    assert.match(rig.of(requestId).detail, why)
  })
}

test('one that never answers, and one that breaks, are confirmed all the same when a reading shows it', async (t) => {
  const rig = await CommandsRig.open(t)
  rig.wire.answers = (_device, _order, signal) =>
    new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve({ is: 'silent', reason: 'given up' }))
    })
  const hanging = await rig.ask()
  await rig.power(1, 0)
  await rig.turn(61)
  assert.deepEqual(
    [rig.of(hanging.requestId).outcome, rig.of(hanging.requestId).detail],
    ['confirmed', 'given up; read back: port-1/portPower 0'],
  )
  rig.wire.answers = () => Promise.reject(new Error('broken'))
  const broken = await rig.ask({ part: 'port-2' })
  await rig.power(2, 0)
  assert.equal(rig.of(broken.requestId).outcome, 'confirmed')
})

test('what nothing reads back is unconfirmed though the device took it', async (t) => {
  const rig = await CommandsRig.open(t)
  const { requestId } = await rig.ask({ deviceId: 'voice', command: 'speak', part: '' })
  assert.deepEqual(
    [rig.of(requestId).outcome, rig.of(requestId).detail],
    ['unconfirmed', 'the device took it; nothing is read back for it'],
  )
})

test('the same request asked again is done once and answers with what came of it', async (t) => {
  const rig = await CommandsRig.open(t)
  const wish = rig.wish({})
  const both = await Promise.all([rig.commanding.begin(wish), rig.commanding.begin(wish)])
  await rig.power(1, 0)
  const third = await rig.commanding.ask(wish)
  assert.deepEqual(
    [...both, third].map(({ outcome }) => outcome),
    ['under-way', 'under-way', 'confirmed'],
  )
  await rig.restart()
  assert.equal((await rig.commanding.ask(wish)).outcome, 'confirmed')
  assert.equal(rig.wire.told.length, 1)
  assert.equal(rig.recorded().length, 1)
})

test('a gateway that stops meanwhile does not know what came of it, and never sends it again', async (t) => {
  const rig = await CommandsRig.open(t)
  const { requestId } = await rig.ask()
  await rig.restart()
  assert.equal(rig.of(requestId).outcome, 'unknown')
  await rig.power(1, 0)
  await rig.turn(60)
  assert.equal(rig.of(requestId).outcome, 'unknown')
  assert.equal(rig.wire.told.length, 1)
})

test('no more often than the site allows, each port by itself, also over a restart', async (t) => {
  const rig = await CommandsRig.open(t)
  const cut = async (part: string): Promise<string> => {
    const { outcome, requestId } = await rig.ask({ part })
    await rig.turn(11)
    return outcome === 'refused' ? rig.of(requestId).detail : 'sent'
  }
  assert.deepEqual([await cut('port-1'), await cut('port-1'), await cut('port-2')], ['sent', 'sent', 'sent'])
  await rig.restart()
  assert.match(await cut('port-1'), /2 times within an hour; the site allows 2/)
  await rig.turn(3600)
  assert.equal(await cut('port-1'), 'sent')
  // A clock that jumps back must not keep it shut for ever.
  rig.clock.jump(later(rig.clock.now(), -86_400_000))
  assert.deepEqual([await cut('port-1'), await cut('port-1')], ['sent', 'sent'])
})

test('while one is under way the same is not asked a second time', async (t) => {
  const rig = await CommandsRig.open(t)
  const first = await rig.ask()
  const second = await rig.ask()
  assert.equal(second.outcome, 'refused')
  assert.match(second.detail, new RegExp(`under way already, asked as ${first.requestId}`))
  assert.equal(rig.wire.told.length, 1)
})

test('a voice is not asked to speak while it still speaks', async (t) => {
  const rig = await CommandsRig.open(t)
  const speak = { deviceId: 'voice', command: 'speak', part: '' } as const
  await rig.ask(speak)
  await rig.turn(10)
  assert.match((await rig.ask(speak)).detail, /it still goes on: 20 s each time/)
  await rig.turn(11)
  assert.equal((await rig.ask(speak)).outcome, 'unconfirmed')
})

test('what must not be is refused, with its reason, and written down', async (t) => {
  const rig = await CommandsRig.open(
    t,
    `
  - { id: station, profile: station, via: { wire: {} }, feeds: { port-1: charging, port-2: egress }, commands: { cut-port: { parts: [port-1] } } }
  - { id: shut, profile: station, via: { wire: {} } }
  - { id: voice, profile: voice, via: { wire: {} }, commands: { open-door: { by: [access] }, speak: { quiet: '08:00-09:00' } } }
`,
  )
  const rule = { kind: 'rule', id: 'hot' } as const
  const refused = async (more: Parameters<typeof rig.ask>[0], why: RegExp): Promise<void> => {
    const { outcome, detail } = await rig.ask(more)
    assert.equal(outcome, 'refused')
    assert.match(detail, why)
  }
  await refused({ deviceId: 'nobody' }, /"nobody" is in no site/)
  await refused({ command: 'trip-breaker', part: '' }, /has no trip-breaker/)
  await refused({ deviceId: 'shut' }, /the site does not enable cut-port for it/)
  await refused({ part: 'port-2' }, /unknown part "port-2"; enabled are port-1/)
  await refused({ part: '' }, /wanted a part; enabled are port-1/)
  await refused({ command: 'restore-port', by: rule }, /does not enable restore-port/)
  await refused({ deviceId: 'voice', command: 'open-door', part: '' }, /open-door is not for a person to ask/)
  const speak = { deviceId: 'voice', command: 'speak', part: '', by: rule } as const
  await refused(speak, /these are quiet hours/)
  assert.equal((await rig.ask({ ...speak, isLifeSafety: true })).outcome, 'unconfirmed')
  assert.equal(rig.recorded().filter((text) => text.endsWith('refused')).length, 8)
  assert.deepEqual(rig.wire.told, ['voice {"say":"move"}'])
})

test('power is given back by a person alone', async (t) => {
  const rig = await CommandsRig.open(t)
  const restore = { command: 'restore-port' } as const
  const { outcome, detail } = await rig.ask({ ...restore, by: { kind: 'rule', id: 'hot' } })
  assert.deepEqual([outcome, detail], ['refused', 'restore-port is not for a rule to ask'])
  const asked = await rig.ask(restore)
  await rig.power(1, 200)
  assert.equal(rig.of(asked.requestId).outcome, 'confirmed')
})

test('egress power is kept also where a file that was checked is changed in memory', async (t) => {
  const rig = await CommandsRig.open(t)
  const station = rig.box.devices.get('station')
  assert.ok(station)
  Object.assign(station, { feeds: 'egress' })
  assert.match((await rig.ask()).detail, /egress signs and emergency lighting .*, which is never cut/)
  Object.assign(station, { feeds: undefined })
  assert.match((await rig.ask()).detail, /nothing says what port-1 feeds/)
})

test('a raise cuts the port that it is about and sounds the siren; a clear and a second poll ask nothing', async (t) => {
  const rig = await CommandsRig.open(t)
  await rig.heat(2, 75)
  assert.deepEqual(rig.wire.told, ['station {"off":"2"}', 'voice {"say":"fire"}'])
  const [found] = rig.cases()
  const cut = rig.commanding.recent(10).find(({ command }) => command === 'cut-port')
  assert.equal(cut?.caseKey, found?.key)
  assert.deepEqual(cut?.by, { kind: 'rule', id: 'hot' })
  await rig.heat(2, 76)
  await rig.heat(2, 40)
  assert.equal(rig.wire.told.length, 2)
  await rig.turn(11)
  assert.match(rig.troubles.join(), /command cut-port unconfirmed \(station\)/)
})

test('a drill, what a broker had kept, and what the site does not enable move nothing', async (t) => {
  const rig = await CommandsRig.open(t, usualDevices.replace('perHour: 2 }', 'parts: [port-1] }'))
  await rig.heat(3, 75)
  assert.deepEqual(rig.wire.told, ['voice {"say":"fire"}'])
  await rig.say('station', { ports: { 1: { heat: 75 } } }, { retained: true })
  assert.equal(rig.cases().length, 2)
  assert.equal(rig.wire.told.length, 1)
  const drill = await CommandsRig.open(
    t,
    usualDevices.replace('feeds: charging', 'drill: true, feeds: charging'),
  )
  await drill.heat(1, 75)
  assert.equal(drill.cases()[0]?.drill, true)
  assert.deepEqual(drill.recorded(), [])
})

test('a raise that could not be stored moves nothing', async (t) => {
  const rig = await CommandsRig.open(t)
  await rig.store.close()
  await assert.rejects(rig.say('station', { ports: { 1: { heat: 75 } } }))
  assert.deepEqual(rig.wire.told, [])
})
