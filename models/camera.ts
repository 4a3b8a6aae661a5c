import { Type } from 'typebox'
import { pause, type Clock } from '../base/clock.ts'
import { GanglionError, messageOf } from '../base/errors.ts'
import { checker } from '../base/schema.ts'
import type { Device } from '../gateway/device.ts'
import type { Intake, Observation, PictureSource, Transport } from '../gateway/ports.ts'
import { Id, SecretRef } from '../gateway/words.ts'
import { Turns } from './turns.ts'
import type { CameraTask, FrameCounts } from './vision-messages.ts'
import { VisionProcess, type Heard } from './vision-process.ts'

const DEFAULT_MODEL = 'centernet-coco'

/** `via.rtsp` of a site file. */
const address = Type.Object(
  {
    url: Type.String({
      pattern: '^rtsp://[^@/\\s?#]{1,255}/[^@\\s]{0,400}$',
      description: 'rtsp://host:port/path without user and password; the sub-stream is enough',
    }),
    user: Type.String({ minLength: 1, maxLength: 60 }),
    password: SecretRef,
    model: Type.Optional(Id),
  },
  { additionalProperties: false },
)
const checkAddress = checker(address)

export interface CameraContext {
  readonly clock: Clock
  readonly intake: Intake
  /** The cameras of all sites. */
  readonly devices: readonly Device[]
  /** What a reference leads to. @throws GanglionError `secret-missing`. */
  readonly secret: (reference: string) => string
  /** Where the models' files lie. */
  readonly modelsCache: string
  /** Where the models' manifests lie. */
  readonly manifestsFolder: string
  /** Where what the cameras learned of their views is kept. */
  readonly viewsFolder: string
}

export interface Cameras extends Transport, PictureSource {
  /** What became of each camera's frames, by device. */
  counts(): Readonly<Record<string, FrameCounts>>
  /** Of the vision child, while it runs. */
  readonly pid: number | undefined
}

export default { name: 'rtsp', address, create }

/** Crashes further apart than this cost a second of frames each; closer ones are the supervisor's business. */
const RARE_CRASH_MS = 60_000
const QUICK_RESTART_MS = 200

/** 摄像机: RTSP cameras, decoded and looked at in one child process. */
function create(context: CameraContext): Cameras {
  const { clock, intake, devices } = context
  const observing = new Turns()
  const out = new Set<string>()
  let vision: VisionProcess | undefined
  let counts: Readonly<Record<string, FrameCounts>> = {}

  const lost = (deviceId: string, reason: string): void => {
    if (!out.has(deviceId)) intake.lost(deviceId, reason)
    out.add(deviceId)
  }

  async function store(observation: Observation): Promise<void> {
    try {
      await intake.observe(observation)
    } catch (error) {
      // Each observation tells the state of every zone, so the next one says what this one would have.
      intake.trouble(`camera ${observation.deviceId}: an observation was not stored`, messageOf(error))
    }
  }

  function hear(message: Heard): void {
    switch (message.kind) {
      case 'beat':
        for (const [id, { rubbish }] of Object.entries(message.counts)) {
          const more = rubbish - (counts[id]?.rubbish ?? 0)
          if (more > 0)
            intake.trouble(`camera ${id}: rubbish in the stream`, `${more} bytes were thrown away`)
        }
        counts = message.counts
        return
      case 'seen': {
        const { observation } = message
        // A camera's tracks and its changes are told apart: the newer of the one says nothing of the other.
        observing.offer(
          `${observation.deviceId} ${observation.model}`,
          () => store(observation),
          () => undefined,
        )
        return
      }
      case 'state': {
        const { deviceId, state, detail } = message
        if (state === 'seeing') out.delete(deviceId)
        else if (state !== 'connecting') {
          intake.trouble(`camera ${deviceId}: ${state}`, detail)
          lost(deviceId, state)
        }
        intake.state(deviceId, state, detail)
      }
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    const { modelsCache, manifestsFolder, viewsFolder } = context
    const cameras = devices.map((device) => toTask(device, context))
    if (cameras.length === 0) return untilAborted(signal)
    let lastCrash = -Infinity
    while (!signal.aborted) {
      const task = { kind: 'watch', cameras, modelsCache, manifestsFolder, viewsFolder } as const
      const child = new VisionProcess(task, clock, hear)
      vision = child
      const stop = (): void => void child.stop()
      signal.addEventListener('abort', stop, { once: true })
      const reason = await child.ended
      signal.removeEventListener('abort', stop)
      vision = undefined
      if (isAborted(signal)) return
      intake.trouble('cameras: the vision process ended', reason)
      const sinceCrash = clock.ticks() - lastCrash
      lastCrash = clock.ticks()
      if (sinceCrash < RARE_CRASH_MS) {
        for (const { id } of devices) {
          lost(id, 'unreachable')
          intake.state(id, 'unreachable', `the vision process ended: ${reason}`)
        }
        throw new GanglionError('device-unreachable', `the vision process ended again: ${reason}`, {
          retry: 'later',
        })
      }
      await pause(clock, QUICK_RESTART_MS, signal).catch(() => undefined) // aborted: the loop ends
    }
  }

  return {
    name: 'rtsp',
    run,
    async take(deviceId, mark) {
      if (!vision)
        throw new GanglionError('camera-stalled', `${deviceId}: no vision process`, { retry: 'later' })
      return vision.take(deviceId, mark)
    },
    counts: () => counts,
    get pid() {
      return vision?.pid
    },
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** It may have happened during an await; the compiler believes that it cannot. */
const isAborted = (signal: AbortSignal): boolean => signal.aborted

function toTask(device: Device, context: CameraContext): CameraTask {
  const checked = checkAddress(device.address.settings)
  if (!checked.ok) {
    const [first] = checked.complaints
    throw new GanglionError(
      'config-invalid',
      `${device.id}: via.rtsp${first?.path ?? ''} ${first?.text ?? 'is wrong'}`,
    )
  }
  const { url, user, password, model } = checked.value
  return {
    deviceId: device.id,
    url,
    user,
    password: context.secret(password),
    model: model ?? DEFAULT_MODEL,
    zones: device.zones,
  }
}
