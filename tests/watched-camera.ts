import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, type Clock } from '../base/clock.ts'
import type { Device } from '../gateway/device.ts'
import type { Intake, Observation } from '../gateway/ports.ts'
import { defaultCacheFolder } from '../models/convert-centernet.ts'
import transport, { type Cameras } from '../models/camera.ts'

/** The gateway's side of one camera, run for a test; what it says is kept and can be waited for. */

export interface Said {
  readonly kind: 'state' | 'lost' | 'trouble'
  readonly subject: string
  readonly words: string
}

export interface WatchedCamera {
  readonly cameras: Cameras
  readonly observations: readonly Observation[]
  readonly said: readonly Said[]
  /** The first observation, from now on, that is so. */
  seen(isSo: (observation: Observation) => boolean): Promise<Observation>
  /** The first word of that camera's state from now on. */
  state(isSo: (word: string) => boolean): Promise<string>
  /** Ends it; answers with what `run` threw, if anything. */
  stop(): Promise<unknown>
  /** Settles when `run` does. */
  readonly ended: Promise<unknown>
}

const LIMIT_MS = 20_000
export const CAMERA_ID = 'lane-camera'
export const ZONE_ID = 'fire-lane'

const device = (url: string, user: string): Device => ({
  id: CAMERA_ID,
  siteId: 'test-site',
  profile: {
    id: 'rtsp-camera',
    hash: 'camera',
    variant: undefined,
    codec: 'camera',
    name: { zh: '摄像机', en: 'camera' },
    power: 'mains',
    reportsEvery: 5000,
    availability: { checksIn: 5000, canBeAsked: false, missed: 3 },
    silentAfter: 15_000,
    batch: 1,
    points: [],
    examples: [],
  },
  address: { transport: 'rtsp', settings: { url, user, password: 'env:CAMERA_PASSWORD' } },
  part: CAMERA_ID,
  silentAfter: 15_000,
  zones: [
    {
      id: ZONE_ID,
      name: { zh: '消防通道', en: 'fire lane' },
      polygon: [
        [0.05, 0.5],
        [0.95, 0.5],
        [0.95, 1],
        [0.05, 1],
      ],
    },
  ],
  drillOnly: false,
})

export function watchCamera(
  url: string,
  login: { readonly user: string; readonly password: string },
  {
    clock = systemClock,
    modelsCache = defaultCacheFolder,
  }: { readonly clock?: Clock; readonly modelsCache?: string } = {},
): WatchedCamera {
  const viewsFolder = mkdtempSync(join(tmpdir(), 'views-'))
  const observations: Observation[] = []
  const said: Said[] = []
  const waiting = new Set<() => void>()
  const note = (kind: Said['kind'], subject: string, words: string): void => {
    said.push({ kind, subject, words })
    for (const look of waiting) look()
  }
  const intake: Intake = {
    accept: () => Promise.reject(new Error('a camera sends no payload')),
    observe: (observation) => {
      observations.push(observation)
      for (const look of waiting) look()
      return Promise.resolve()
    },
    lost: (deviceId, reason) => note('lost', deviceId, reason),
    unanswered: () => undefined, // no camera is polled
    trouble: (what, example) => note('trouble', what, example),
    state: (subject, word) => note('state', subject, word),
    stranger: () => undefined,
  }
  const cameras = transport.create({
    clock,
    intake,
    devices: [device(url, login.user)],
    secret: () => login.password,
    modelsCache,
    manifestsFolder: join(import.meta.dirname, '..', 'models', 'manifests'),
    viewsFolder,
  })
  const stopping = new AbortController()
  const ended = cameras.run(stopping.signal).then(
    () => undefined,
    (error: unknown) => error,
  )

  /** Waits for the event, not for a time; the limit only turns a hang into a failure that says what came. */
  function first<T>(list: readonly T[], isSo: (one: T) => boolean, wanted: string): Promise<T> {
    let from = list.length
    return new Promise((resolve, reject) => {
      const cancel = systemClock.after(LIMIT_MS, () => {
        waiting.delete(look)
        reject(
          new Error(`wanted ${wanted}; got ${JSON.stringify({ said, observations: observations.length })}`),
        )
      })
      const look = (): void => {
        const found = list.slice(from).find(isSo)
        from = list.length
        if (found === undefined) return
        waiting.delete(look)
        cancel()
        resolve(found)
      }
      waiting.add(look)
    })
  }

  return {
    cameras,
    observations,
    said,
    ended,
    seen: (isSo) => first(observations, isSo, 'an observation'),
    state: async (isSo) =>
      (await first(said, ({ kind, words }) => kind === 'state' && isSo(words), 'a state')).words,
    stop: async () => {
      stopping.abort()
      const reason = await ended
      rmSync(viewsFolder, { recursive: true })
      return reason
    },
  }
}

/** What an observation says of the zone: taken, free, or nothing yet. */
export const inZone = (observation: Observation): boolean | undefined => {
  const reading = observation.readings.find(
    ({ quantity, part }) => quantity === 'vehicleInZone' && part === ZONE_ID,
  )
  return reading === undefined ? undefined : reading.value === true
}
