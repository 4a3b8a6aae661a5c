import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../base/clock.ts'
import { defaultCacheFolder } from '../models/convert-centernet.ts'
import { startCamera } from '../simulator/camera.ts'
import { dnyStation } from '../simulator/devices/dny-station.ts'
import { startModbusServer, type ModbusUnit } from '../simulator/devices/modbus-server.ts'
import { seededRandom } from '../simulator/random.ts'
import { atEnd, tempFolder } from './fixtures.ts'
import {
  BEAM,
  BoxInProcess,
  dial,
  makeBox,
  SMOKE,
  smokePayload,
  stateOf,
  TestPlatform,
  troubleOf,
  type Entry,
} from './box-rig.ts'

const UNIT = 5
const RESIDUAL_CURRENT = 2

/** A protector whose registers are zero but for the residual current. */
class Protector implements ModbusUnit {
  readonly unit = UNIT
  fault: ModbusUnit['fault']
  residualCurrentMa = 30

  read(address: number, count: number): readonly number[] {
    return Array.from({ length: count }, (_, index) =>
      address + index === RESIDUAL_CURRENT ? this.residualCurrentMa : 0,
    )
  }

  onAsked(): void {
    // It answers and remembers nothing.
  }
}

test('Modbus faults are counted and shown by their word, and the alarm after them is a case', async (t) => {
  const box = await makeBox(t, {
    shed: ({ modbus: port }) => [
      {
        id: 'protector',
        profile: 'arc-protector-5b',
        via: { 'modbus-tcp': { host: '127.0.0.1', port, unit: UNIT, every: '100 ms' } },
      },
    ],
  })
  const protector = new Protector()
  const server = await startModbusServer({ host: '127.0.0.1', port: box.ports.modbus }, systemClock)
  atEnd(t, () => server.stop())
  server.add(protector)
  const platform = await TestPlatform.start(t, box)
  const gateway = await BoxInProcess.start(t, box)
  const isWell = (): Promise<unknown> =>
    gateway.healthy('a unit that answers', (report) => stateOf(report, 'protector') === 'answers')
  const isShown = (trouble: string, word: string): Promise<unknown> =>
    gateway.healthy(
      `${trouble} and the unit ${word}`,
      (report) => troubleOf(report, trouble) !== undefined && stateOf(report, 'protector') === word,
    )
  await isWell()
  protector.fault = 'exception'
  await isShown('device-refused (protector)', 'lost')
  protector.fault = 'short'
  await isShown('frame-invalid', 'lost')
  protector.fault = undefined
  await isWell()
  protector.fault = 'late'
  await isShown('device-silent (protector)', 'lost')
  protector.fault = undefined
  await server.setRefusing(true)
  await isShown('device-unreachable', 'lost')
  assert.equal(stateOf(gateway.report, `modbus-tcp 127.0.0.1:${box.ports.modbus}`), 'away')
  protector.residualCurrentMa = 620
  await server.setRefusing(false)
  await platform.gotCase('leakage')
  assert.equal(stateOf(gateway.report, 'protector'), 'answers')
})

test('TCP frames of wrong length or sum, noise and a trickle are counted, and the alarm between them is a case', async (t) => {
  const box = await makeBox(t, {
    shed: () => [{ id: 'station', profile: 'dny-station', via: { tcp: { physId: '0400A507' } } }],
  })
  const platform = await TestPlatform.start(t, box)
  const gateway = await BoxInProcess.start(t, box)
  const station = dnyStation(
    { id: 'station', physId: 0x0400a507, ports: 2 },
    {
      clock: systemClock,
      random: seededRandom(7),
      reportsEvery: 100,
      endpoint: { host: '127.0.0.1', port: box.ports.tcp },
    },
  )
  atEnd(t, () => station.stop())
  await gateway.healthy('the station', (report) => stateOf(report, 'station') === 'connected')
  for (const fault of ['tcp-bad-sum', 'tcp-bad-length', 'tcp-noise'] as const) {
    const before = troubleOf(gateway.report, 'frame-invalid (station)')?.count ?? 0
    await station.setFault(fault)
    await gateway.healthy(
      `frames thrown away by ${fault}`,
      (report) => (troubleOf(report, 'frame-invalid (station)')?.count ?? 0) > before,
    )
  }
  // Between noise the alarm is sent once; a trickle follows it.
  station.set({ smoke: true })
  await station.setFault('tcp-trickle')
  await platform.gotCase('smoke')
  const { messages } = gateway.report
  await gateway.healthy('messages byte by byte', (report) => report.messages > messages)
  assert.equal(stateOf(gateway.report, 'station'), 'connected')
})

const cameraAt = (id: string, port: number, model: string): Entry => ({
  id,
  profile: 'rtsp-camera',
  via: {
    rtsp: {
      url: `rtsp://127.0.0.1:${port}/lane`,
      user: 'ganglion',
      password: `file:secrets/${id}`,
      model,
    },
  },
})

test('a refused login, a missing model and a wrong model are shown by their words, and the rest of the box works', async (t) => {
  const box = await makeBox(t, {
    shop: ({ rtsp }) => [
      cameraAt('refused', rtsp, 'centernet-coco'),
      cameraAt('missing', rtsp, 'fastestdet'),
      cameraAt('wrong', rtsp, 'yolox-nano'),
    ],
  })
  const modelsCache = join(tempFolder(t), 'models')
  mkdirSync(modelsCache)
  symlinkSync(join(defaultCacheFolder, 'centernet-coco.onnx'), join(modelsCache, 'centernet-coco.onnx'))
  writeFileSync(join(modelsCache, 'yolox_nano.onnx'), 'not the model')
  const password = 'right-password-of-the-test'
  const camera = await startCamera({
    host: '127.0.0.1',
    port: box.ports.rtsp,
    path: '/lane',
    user: 'ganglion',
    password,
    scene: 'fire-lane-empty',
  })
  atEnd(t, () => camera.stop())
  const platform = await TestPlatform.start(t, box)
  const gateway = await BoxInProcess.start(t, box, { modelsCache })
  const report = await gateway.healthy(
    'the three words',
    (now) =>
      stateOf(now, 'refused') === 'auth-refused' &&
      stateOf(now, 'missing') === 'model-invalid' &&
      stateOf(now, 'wrong') === 'model-invalid',
  )
  const detailOf = (id: string): string => report.states.find(({ subject }) => subject === id)?.detail ?? ''
  assert.match(detailOf('missing'), /FastestDet\.onnx: cannot be read \(ENOENT\)/)
  assert.match(detailOf('wrong'), /yolox_nano\.onnx: wanted SHA-256/)
  assert.ok(troubleOf(report, 'camera refused: auth-refused'))
  assert.ok(troubleOf(report, 'camera missing: model-invalid'))
  assert.ok(troubleOf(report, 'camera wrong: model-invalid'))
  const bridge = await dial(t, box, 'z2m')
  const beam = await dial(t, box, 'beam')
  await bridge.say(SMOKE, smokePayload(true))
  await beam.say(BEAM, { blocked: true })
  await platform.gotCase('smoke')
  await platform.gotCase('beyond-door')
})
