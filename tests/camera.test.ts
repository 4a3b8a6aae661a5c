import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { FakeClock } from '../base/clock.ts'
import { isGanglionError } from '../base/errors.ts'
import { convertCenternet, defaultCacheFolder } from '../models/convert-centernet.ts'
import { startCamera, type CameraFault, type SimulatedCamera } from '../simulator/camera.ts'
import type { Scene } from '../simulator/scene.ts'
import { CAMERA_ID, ZONE_ID, inZone, watchCamera, type WatchedCamera } from './watched-camera.ts'

const empty: Scene = { kind: 'fire-lane', bicycles: [], persons: [] }
const parked: Scene = { kind: 'fire-lane', bicycles: [{ x: 0.5 }], persons: [] }
const PATH = '/Streaming/Channels/102'
/** Everything that must be escaped somewhere. */
const login = { user: 'admin', password: 'a:b@c/1 %"密' }

const start = (scene: Scene): Promise<SimulatedCamera> =>
  startCamera({ host: '127.0.0.1', port: 0, path: PATH, ...login, scene })
const urlOf = ({ port }: SimulatedCamera): string => `rtsp://127.0.0.1:${port}${PATH}`
const isJpeg = (bytes: Uint8Array): boolean => bytes[0] === 0xff && bytes[1] === 0xd8

before(async () => {
  await convertCenternet({ cacheFolder: defaultCacheFolder })
})

describe('a camera in front of a fire lane', () => {
  let camera: SimulatedCamera
  let watched: WatchedCamera
  before(async () => {
    camera = await start(empty)
    watched = watchCamera(urlOf(camera), login)
  })
  after(async () => {
    await watched.stop()
    await camera.stop()
  })

  test('an empty lane is told to be empty, and nothing else', async () => {
    await watched.seen((observation) => inZone(observation) === false)
    assert.ok(watched.observations.every((observation) => inZone(observation) !== true))
    assert.equal(watched.said.filter(({ kind }) => kind !== 'state').length, 0)
  })

  test('a bicycle left in the zone is told with its first sight, and both pictures of it can be taken', async () => {
    const seen = watched.seen((observation) => inZone(observation) === true)
    await camera.setScene(parked)
    const observation = await seen
    const [stay] = observation.stays.filter(({ tracks }) => tracks.length > 0)
    const [track] = stay?.tracks ?? []
    assert.equal(stay?.zone, ZONE_ID)
    assert.ok(track)
    assert.equal(observation.readings[0]?.at, track.firstSeen)
    assert.ok(track.score >= (observation.thresholds[track.label] ?? 1))
    assert.equal(observation.model, 'centernet-coco')

    const pictures = await watched.cameras.take(CAMERA_ID, stay.tracks)
    assert.deepEqual(
      pictures.map(({ role, keep }) => [role, keep]),
      [
        ['original', 'kept'],
        ['annotated', 'sent'],
      ],
    )
    assert.ok(pictures.every(({ bytes, takenAt }) => isJpeg(bytes) && takenAt >= track.firstSeen))
    assert.notDeepEqual(pictures[0]?.bytes, pictures[1]?.bytes)
  })

  test('no login stands in the arguments or the environment of the child, nor in anything said', () => {
    const pid = watched.cameras.pid ?? 0
    for (const file of ['cmdline', 'environ']) {
      const text = readFileSync(`/proc/${pid}/${file}`, 'utf8')
      assert.ok(text.length > 0)
      assert.ok(!text.includes(login.password) && !text.includes('%40c'), file)
    }
    assert.ok(!readFileSync(`/proc/${camera.pid}/cmdline`, 'utf8').includes(login.password))
    assert.ok(!JSON.stringify(watched.said).includes('a:b@c'))
  })

  test('a crash of the child ends nothing but itself: the bicycle is seen again and pictures come', async () => {
    const before = watched.observations.length
    const seen = watched.seen((observation) => inZone(observation) === true)
    const { pid } = watched.cameras
    process.kill(pid ?? 0, 'SIGSEGV')
    const observation = await seen
    assert.notEqual(watched.cameras.pid, pid)
    assert.ok(
      watched.observations.slice(before).every((one) => inZone(one) !== false),
      'a crash must clear no case',
    )
    assert.ok(watched.said.some(({ kind, words }) => kind === 'trouble' && words.includes('SIGSEGV')))
    assert.ok(watched.said.every(({ kind }) => kind !== 'lost'))
    assert.equal((await watched.cameras.take(CAMERA_ID, observation.stays[0]?.tracks ?? [])).length, 2)
  })

  test('a bicycle that is taken away frees the zone', async () => {
    const free = watched.seen((observation) => inZone(observation) === false)
    await camera.setScene(empty)
    await free
  })

  test('an unknown camera has no picture, and that is said as such', async () => {
    await assert.rejects(watched.cameras.take('nobody', []), (error) =>
      isGanglionError(error, 'camera-stalled'),
    )
  })
})

describe('a camera that is met in its fault', () => {
  const faults: readonly (readonly [CameraFault, word: string])[] = [
    ['auth-refused', 'auth-refused'],
    ['sha256-only', 'auth-unsupported'],
    ['not-found', 'missing'],
    ['full', 'full'],
    ['stall', 'stalled'],
    ['reset', 'unreachable'],
  ]
  for (const [fault, word] of faults) {
    test(`${fault} is called ${word}`, async (t) => {
      const camera = await start(empty)
      t.after(() => camera.stop())
      await camera.setFault(fault)
      const watched = watchCamera(urlOf(camera), login)
      t.after(() => watched.stop())
      assert.equal(await watched.state((state) => state !== 'connecting'), word)
      await assert.rejects(watched.cameras.take(CAMERA_ID, []), (error) =>
        isGanglionError(error, 'camera-stalled'),
      )
    })
  }
})

describe('a camera that goes wrong while it is watched', () => {
  let camera: SimulatedCamera
  let watched: WatchedCamera
  before(async () => {
    camera = await start(empty)
    watched = watchCamera(urlOf(camera), login)
    await watched.seen(() => true)
  })
  after(async () => {
    await watched.stop()
    await camera.stop()
  })

  test('random bytes between the frames are skipped and counted, and a bicycle is still seen', async () => {
    await camera.setFault('garbage')
    const seen = watched.seen((observation) => inZone(observation) === true)
    await camera.setScene(parked)
    await seen
    assert.ok(watched.said.some(({ kind, subject }) => kind === 'trouble' && subject.includes('rubbish')))
    await camera.setFault(undefined)
  })

  test('a reset loses the line for a moment only', async () => {
    const lost = watched.state((word) => word === 'unreachable')
    await camera.setFault('reset')
    await lost
    const again = watched.state((word) => word === 'seeing')
    await camera.setFault(undefined)
    await again
  })

  test('a stream that stops is called stalled, and its readings are spoiled', async () => {
    const stalled = watched.state((word) => word === 'stalled')
    await camera.setFault('stall')
    await stalled
    assert.ok(watched.said.some(({ kind, words }) => kind === 'lost' && words === 'stalled'))
    const again = watched.state((word) => word === 'seeing')
    await camera.setFault(undefined)
    await again
  })
})

test('a model that is not there is said as such, with what to do', async (t) => {
  const camera = await start(empty)
  t.after(() => camera.stop())
  const folder = mkdtempSync(join(tmpdir(), 'ganglion-models-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const watched = watchCamera(urlOf(camera), login, { modelsCache: folder })
  t.after(() => watched.stop())
  assert.equal(await watched.state(() => true), 'model-invalid')
  assert.ok(watched.said.some(({ kind, words }) => kind === 'trouble' && words.includes('convert-centernet')))
})

test('two clients watch one camera, and both are let go when they end', async (t) => {
  const camera = await start(parked)
  t.after(() => camera.stop())
  const watched = [watchCamera(urlOf(camera), login), watchCamera(urlOf(camera), login)]
  await Promise.all(watched.map((one) => one.seen((observation) => inZone(observation) === true)))
  assert.deepEqual(await Promise.all(watched.map((one) => one.stop())), [undefined, undefined])
})

test('a child that hangs is killed and started anew', async (t) => {
  const camera = await start(empty)
  t.after(() => camera.stop())
  const clock = new FakeClock()
  const watched = watchCamera(urlOf(camera), login, { clock })
  t.after(() => watched.stop())
  await watched.seen(() => true)
  const { pid } = watched.cameras
  process.kill(pid ?? 0, 'SIGSTOP')
  const again = watched.state((word) => word === 'connecting')
  await clock.turn(5000)
  // A question that it can no longer answer is answered by its end; then the quick restart waits for its time.
  await assert.rejects(watched.cameras.take(CAMERA_ID, []))
  await clock.turn(250)
  await again
  assert.notEqual(watched.cameras.pid, pid)
  assert.ok(watched.said.some(({ kind, words }) => kind === 'trouble' && words.includes('no sign of life')))
})

test('a child that keeps dying is left to the supervisor, and its cameras are lost', async (t) => {
  const camera = await start(empty)
  t.after(() => camera.stop())
  const watched = watchCamera(urlOf(camera), login)
  await watched.state((word) => word === 'connecting')
  process.kill(watched.cameras.pid ?? 0, 'SIGKILL')
  await watched.state((word) => word === 'connecting')
  process.kill(watched.cameras.pid ?? 0, 'SIGKILL')
  assert.ok(isGanglionError(await watched.ended, 'device-unreachable'))
  assert.ok(watched.said.some(({ kind, subject }) => kind === 'lost' && subject === CAMERA_ID))
})
