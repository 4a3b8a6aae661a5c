import assert from 'node:assert/strict'
import { test } from 'node:test'
import serialReader from '../device-drivers/transports/serial-reader.ts'
import { serialPair, skipWithoutPair } from './serial-pair.ts'
import { deviceOf, startTransport } from './transport-suite.ts'

const options = { skip: skipWithoutPair, timeout: 40_000 }

test(
  'a reader on a serial port asks with each card and code, once though it prints them again',
  options,
  async (t) => {
    const pair = await serialPair(t)
    const device = deviceOf('reader', 'door-reader-serial', { port: pair.ours })
    const running = await startTransport(t, serialReader, { devices: [device] }, { waitToListen: false })
    const { intake, until } = running
    await until('the port', () => intake.states.some((state) => state.endsWith('connected')))
    const theirs = await pair.openTheirs()
    theirs.write('89D41B81\r\n89D41B81\r\na.b.c\r\n')
    await until('two asks', () => intake.accepted.length === 2)
    theirs.write('89 D4 1B 81')
    await until('a third one, ended by silence', () => intake.accepted.length === 3)
    assert.deepEqual(
      intake.accepted.map(({ fields, presented }) => ({ ...fields, ...presented?.shown })),
      [
        { is: 'card', uid: '89D41B81' },
        { is: 'code', text: 'a.b.c' },
        { is: 'card', uid: '89D41B81' },
      ],
    )
    assert.equal(new Set(intake.accepted.map(({ messageId }) => messageId)).size, 3)

    // An adapter that is pulled out is said at once, and read again when it is back.
    await pair.unplug()
    await until('the loss', () => intake.losses.length > 0)
    await pair.plugIn()
    await until('the port again', () => intake.states.at(-1)?.endsWith('connected') === true)
    const again = await pair.openTheirs()
    again.write('0D330B\n')
    await until('an ask', () => intake.accepted.length === 4)
    assert.ok(
      [...intake.troubles, ...intake.states].every(
        (said) => !said.includes('89D4') && !said.includes('0D330B'),
      ),
    )
    await running.stop()
  },
)
