import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { checker } from '../base/schema.ts'
import { readYaml } from '../base/yaml.ts'
import { cutRefusal } from './circuit.ts'
import { commandKindIds, commandKinds, effectOf, mayAsk } from './command-kind.ts'
import { Commands } from './command-file.ts'
import { compileCommands, type DeviceCommand } from './device-command.ts'
import { ProfileFile } from './profile-file.ts'
import { compileProfile } from './profile.ts'
import { toReading } from './reading.ts'
import { FakeClock } from '../base/clock.ts'

const points = [
  { quantity: 'switchOn', part: '' },
  { quantity: 'portPower', part: 'port-1' },
  { quantity: 'portPower', part: 'port-2' },
  { quantity: 'portState', part: 'port-1' },
] as const

/** What is wrong with one command of a profile, by its schema or beyond it. */
function wrong(commands: object): string {
  const checked = checker(Commands)(commands)
  const complaints = checked.ok ? compileCommands(checked.value, points).complaints : checked.complaints
  return complaints.map(({ path, text }) => `${path} ${text}`).join('; ')
}

function compiled(commands: object): DeviceCommand {
  const checked = checker(Commands)(commands)
  assert.ok(checked.ok)
  const { commands: made, complaints } = compileCommands(checked.value, points)
  assert.deepEqual(complaints, [])
  const [command] = made.values()
  assert.ok(command)
  return command
}

const confirm = { quantity: 'switchOn', is: false }
const pulse = { span: '700 ms', tick: '100 ms' }

test('a door is pulsed and never latched', () => {
  const open = (write: object, more: object = {}): string => wrong({ 'open-door': { write, ...more } })
  assert.equal(open({ function: 5, address: 0x0200, pulse }), '')
  assert.equal(open({ function: 16, address: 3, words: [4], pulse }), '')
  assert.match(open({ function: 5, address: 0, set: 'on' }), /a strike is pulsed/)
  assert.match(open({ function: 5, address: 0, set: 'on' }, { endsAfter: '3 s' }), /a strike is pulsed/)
  assert.match(open({ function: 5, address: 0, words: [0xff00] }, { endsAfter: '3 s' }), /a strike is pulsed/)
  assert.match(open({ function: 6, address: 0, pulse: { span: '2 min', tick: '1 s' } }), /60 s at most/)
  // FF00 ticks would be a coil that stays on, and 0 one that does nothing.
  const ticks = { function: 5, address: 0, pulse: { span: '65280 ms', tick: '1 ms' } }
  assert.match(wrong({ 'sound-siren': { write: ticks } }), /1 to 65279; got 65280/)
  assert.match(open({ function: 5, address: 0, pulse: { span: '10 ms', tick: '1 s' } }), /got 0/)
  assert.match(wrong({ 'open-door': { publish: { payload: { open: true } } } }), /"endsAfter" is missing/)
})

test('what sounds or blinks ends by itself', () => {
  const siren = (more: object): string =>
    wrong({ 'sound-siren': { write: { function: 6, address: 0, words: [2] }, ...more } })
  assert.match(siren({}), /"endsAfter" is missing: the device itself must end it/)
  assert.equal(siren({ endsAfter: '30 s' }), '')
  assert.match(siren({ endsAfter: '1 h' }), /600 s at most/)
})

test('power that is cut or given back is always read back', () => {
  const publish = { payload: { state: 'OFF' } }
  assert.match(wrong({ 'cut-port': { publish } }), /"confirm" is missing/)
  assert.match(wrong({ 'close-breaker': { publish } }), /"confirm" is missing/)
  assert.equal(wrong({ 'cut-port': { publish, confirm } }), '')
  assert.equal(wrong({ 'read-again': { publish } }), '')
})

test('a read-back names a point that there is, and one limit', () => {
  const cut = (more: object): string =>
    wrong({ 'cut-port': { each: { part: 'port-{n}', count: 2 }, frame: 'stop', confirm: more } })
  assert.equal(cut({ quantity: 'portPower', atMost: 1 }), '')
  assert.match(cut({ quantity: 'portState', is: 'idle' }), /no point gives port-2\/portState/)
  assert.equal(cut({ quantity: 'portState', part: 'port-1', is: 'idle' }), '')
  assert.match(cut({ quantity: 'portPower' }), /exactly one of "is", "atMost" and "atLeast"/)
  assert.match(cut({ quantity: 'portPower', atMost: 1, atLeast: 0 }), /exactly one of/)
  assert.match(cut({ quantity: 'portPower', is: 'off' }), /"portPower" is a number; got "off"/)
  assert.match(cut({ quantity: 'switchOn', part: '', atMost: 1 }), /"switchOn" is not a number/)
  assert.match(cut({ quantity: 'portPower', atMost: 1, within: '10 min' }), /5 min at most/)
})

test('a write has what its function takes', () => {
  const write = (more: object): string =>
    wrong({ 'trip-breaker': { write: { address: 0, ...more }, confirm } })
  for (const right of [
    { function: 5, set: 'off' },
    { function: 5, words: [0xf000] },
    { function: 6, words: [0] },
    { function: 15, bits: [true, false] },
    { function: 16, words: [1, 2, 3] },
  ])
    assert.equal(write(right), '')
  assert.match(write({ function: 5 }), /"set" belongs to function 5/)
  assert.match(write({ function: 6, set: 'on' }), /"set" belongs to function 5/)
  assert.match(write({ function: 5, set: 'on', words: [1] }), /"set" belongs to function 5/)
  assert.match(write({ function: 6, words: [1, 2] }), /function 6 writes one word; got 2/)
  assert.match(write({ function: 16, bits: [true] }), /"bits" belongs to function 15/)
  assert.match(write({ function: 15, bits: [true], words: [1] }), /function 15 has "bits" alone/)
  assert.match(write({ function: 15 }), /"bits" belongs to function 15/)
  assert.match(write({ function: 16 }), /wanted "words" or "pulse"/)
  assert.match(write({ function: 6, words: [70_000] }), /65535/)
  assert.match(wrong({ 'trip-breaker': { confirm } }), /exactly one of "write", "publish" and "frame"/)
  assert.match(wrong({ explode: { frame: 'stop' } }), /unknown key "explode"/)
  const far = { each: { part: 'port-{n}', count: 2 }, write: { function: 5, address: 65_535, pulse } }
  assert.match(wrong({ 'open-door': far }), /the last part lies above 65535/)
})

test('each part has its own address, number and topic', () => {
  const each = { part: 'relay-{n}', count: 3 }
  const write = compiled({
    'open-door': { each, write: { function: 16, address: 3, stride: 5, words: [4], pulse } },
  })
  assert.deepEqual(write.parts, ['relay-1', 'relay-2', 'relay-3'])
  assert.deepEqual(write.orderFor('relay-3', 'a'), { is: 'write', function: 16, address: 13, words: [4, 7] })
  const publish = compiled({
    'flash-lamp': { each, publish: { topic: 'POWER{n}', payload: { lamp: '{n}' } }, endsAfter: '5 s' },
  })
  assert.deepEqual(publish.orderFor('relay-2', 'a'), {
    is: 'publish',
    leaf: 'POWER2',
    payload: '{"lamp":"2"}',
  })
  const frame = compiled({ 'read-again': { each: { ...each, first: 0 }, frame: 'read' } })
  const one = frame.orderFor('relay-0', 'a')
  const two = frame.orderFor('relay-0', 'b')
  assert.ok(one.is === 'frame' && two.is === 'frame')
  assert.equal(one.port, 0)
  assert.match(one.orderNumber, /^[0-9a-f]{32}$/)
  assert.notEqual(one.orderNumber, two.orderNumber)
})

test('a reading holds or it does not; a bad one never does', () => {
  const at = new FakeClock().now()
  const of = compiled({
    'cut-port': {
      publish: { payload: '' },
      confirm: { quantity: 'portState', part: 'port-1', is: ['idle', 'plugged'] },
    },
  }).confirm
  assert.ok(of)
  assert.equal(of.text, 'portState is idle or plugged')
  assert.equal(of.holds(toReading('portState', 'port-1', 'plugged', at)), true)
  assert.equal(of.holds(toReading('portState', 'port-1', 'charging', at)), false)
  assert.equal(of.isAbout(toReading('portState', 'port-2', 'idle', at), ''), false)
  const power = compiled({
    'cut-port': { publish: { payload: '' }, confirm: { quantity: 'portPower', part: 'port-1', atMost: 1 } },
  }).confirm
  assert.ok(power)
  assert.equal(power.holds(toReading('portPower', 'port-1', 1, at)), true)
  assert.equal(power.holds(toReading('portPower', 'port-1', 1.1, at)), false)
  assert.equal(power.holds(toReading('portPower', 'port-1', -5, at)), false)
})

test('what a circuit feeds decides what may be cut, and what is not said may not be', () => {
  assert.equal(cutRefusal('charging', 'port-1'), undefined)
  for (const kept of ['lighting', 'egress', 'fire'] as const) {
    assert.match(cutRefusal(kept, '') ?? '', /never cut/)
    const feeds = { 'port-1': 'charging', 'port-2': kept } as const
    assert.equal(cutRefusal(feeds, 'port-1'), undefined)
    assert.match(cutRefusal(feeds, 'port-2') ?? '', /never cut/)
    assert.match(cutRefusal(feeds, '') ?? '', /never cut/)
  }
  assert.match(cutRefusal(undefined, '') ?? '', /nothing says what its circuit feeds/)
  assert.match(cutRefusal({ 'port-1': 'charging' }, 'port-2') ?? '', /nothing says what port-2 feeds/)
  assert.match(cutRefusal({ 'port-1': 'charging' }, 'constructor') ?? '', /nothing says/)
})

test('every kind has both names and somebody who may ask; no rule gives power back', () => {
  for (const kind of commandKindIds) {
    const { zh, en, effect } = commandKinds[kind]
    assert.ok(zh.length > 0 && en.length > 0 && mayAsk[effect].includes('person'))
    if (effect === 'restores') assert.deepEqual(mayAsk[effectOf(kind)], ['person'])
  }
})

test('every command of the shipped profiles compiles, and whatever cuts power reads it back', () => {
  const folder = join(import.meta.dirname, '../device-drivers/profiles')
  let seen = 0
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.yaml'))) {
    const file = readYaml(join(folder, name), ProfileFile).value
    const variants = file.variants ? Object.keys(file.variants) : [undefined]
    for (const variant of variants) {
      const { profile, complaints } = compileProfile(name, file, variant)
      assert.deepEqual(complaints, [], name)
      for (const [kind, command] of profile.commands ?? []) {
        seen++
        for (const part of command.parts) command.orderFor(part, 'request')
        if (effectOf(kind) === 'cuts') assert.ok(command.confirm, `${name} ${kind}`)
      }
    }
  }
  assert.ok(seen > 25, `${seen} commands`)
})
