import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Type } from 'typebox'
import { FakeClock } from '../base/clock.ts'
import { loadBox, type Box } from '../gateway/config.ts'
import type { Transport, TransportContext, TransportPlug } from '../gateway/ports.ts'
import { boxYaml, openPath, siteYaml, tempFolder, testRooms, writeFiles } from '../tests/fixtures.ts'
import { Wires, type WireSurroundings } from './wires.ts'

/** A wire as the test wants it: it says when it begins and ends, and may hang. */
class TestWire implements Transport {
  readonly name = 'wire'
  readonly context: TransportContext
  isHanging = false
  letGo = (): void => undefined
  readonly #said: string[]

  constructor(context: TransportContext, said: string[]) {
    this.context = context
    this.#said = said
  }

  async run(signal: AbortSignal): Promise<void> {
    const number = this.context.devices.length
    this.#said.push(`${number} begins`)
    this.context.intake.state('d1', 'connected')
    await new Promise<void>((resolve) => {
      this.letGo = resolve
      signal.addEventListener('abort', () => {
        if (!this.isHanging) resolve()
      })
    })
    // A port is let go in its own time.
    await new Promise((resolve) => setImmediate(resolve))
    this.#said.push(`${number} ends`)
  }
}

async function rig(t: TestContext) {
  const folder = tempFolder(t)
  const said: string[] = []
  const made: TestWire[] = []
  const plug: TransportPlug = {
    name: 'wire',
    address: Type.Object({}),
    create(context) {
      const wire = new TestWire(context, said)
      made.push(wire)
      return wire
    },
  }
  const boxOf = (site: string, box = boxYaml): Promise<Box> => {
    writeFiles(join(folder, 'box'), { 'box.yaml': box, 'shed.yaml': site })
    return loadBox(join(folder, 'box'), testRooms(join(folder, 'rooms')))
  }
  const box = await boxOf(siteYaml)
  const clock = new FakeClock()
  const { health, pipeline } = await openPath(t, { box, folder, clock })
  const wires = new Wires({
    plugs: [plug],
    // The wire of this test uses none of them.
    surroundings: {} as WireSurroundings,
    hub: pipeline,
    clock,
    state: (...state) => health.state(...state),
    forget: (isGone) => health.forget(isGone),
  })
  const change = async (next: Box): Promise<readonly string[]> => {
    const planned = wires.plan(next)
    await wires.stop(planned.unwanted)
    wires.start(planned.made)
    return planned.unwanted
  }
  wires.start(wires.plan(box).made)
  const stateOf = (subject: string): string | undefined =>
    health.states().find((one) => one.subject === subject)?.word
  return { boxOf, change, clock, made, said, stateOf, wires }
}

const withoutContact = siteYaml
  .split('\n')
  .filter((line) => !line.includes('id: contact'))
  .join('\n')

test('a wire is set up anew when its devices change, and runs on when anything else does', async (t) => {
  const { boxOf, change, said, stateOf } = await rig(t)
  const other = siteYaml
    .replace('part: door-line', 'part: gate')
    .replace('silentAfter: 30 min', 'silentAfter: 1 h')
  // It is given no bridges, so theirs are no change for it.
  assert.deepEqual(await change(await boxOf(other, boxYaml.replace('base: bridge', 'base: other'))), [])
  assert.deepEqual([said, stateOf('d1')], [['8 begins'], 'connected'])
  assert.deepEqual(await change(await boxOf(withoutContact)), ['wire'])
  assert.deepEqual(said, ['8 begins', '8 ends', '7 begins'])
})

test('a wire that hangs holds nothing up, is heard no more, and says nothing of the one after it', async (t) => {
  const { boxOf, change, clock, made, stateOf, wires } = await rig(t)
  const [first] = made
  assert.ok(first)
  first.isHanging = true
  await first.context.intake.accept({ deviceId: 'd1', fields: { smoke: false } })
  const changing = change(await boxOf(withoutContact))
  await assert.rejects(first.context.intake.accept({ deviceId: 'd1', fields: { smoke: true } }), {
    code: 'device-unreachable',
    retry: 'later',
  })
  await clock.turn(3000)
  await changing
  first.context.intake.state('d1', 'lost')
  first.context.intake.lost('d1', 'late')
  first.letGo()
  await clock.turn(0)
  assert.deepEqual([stateOf('wire'), stateOf('d1')], ['running', 'connected'])
  await wires.stop(['wire'])
  assert.deepEqual([stateOf('wire'), stateOf('d1'), wires.transports], [undefined, undefined, []])
})
