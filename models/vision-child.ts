import { Log } from 'node-av/lib'
import { AV_LOG_QUIET } from 'node-av/constants'
import { join } from 'node:path'
import { pause, systemClock } from '../base/clock.ts'
import { codeOf, isGanglionError, messageOf } from '../base/errors.ts'
import { CameraEye } from './camera-eye.ts'
import { watchCamera } from './camera-loop.ts'
import { waitAfter, type CameraState } from './camera-state.ts'
import { openDetector, type Detector } from './detector.ts'
import { Turns } from './turns.ts'
import { BEAT_MS, type CameraTask, type FromVision, type ToVision } from './vision-messages.ts'

/**
 * The process in which cameras are decoded and looked at. Native media code has bugs that end a process; this one
 * may end at any moment without harm, and says every second that it lives.
 */

const clock = systemClock
const turns = new Turns()
const eyes = new Map<string, CameraEye>()
const detectors = new Map<string, Promise<Detector>>()
const stopping = new AbortController()
/** Pictures are taken one after the other: each is a good part of a second of a core on a slow box. */
let taking: Promise<unknown> = Promise.resolve()

const say = (message: FromVision): void => {
  process.send?.(message)
}

function beat(): void {
  say({ kind: 'beat', counts: Object.fromEntries([...eyes].map(([id, eye]) => [id, eye.counts])) })
  clock.after(BEAT_MS, beat)
}

async function watch(task: Extract<ToVision, { kind: 'watch' }>): Promise<void> {
  beat()
  await Promise.all(task.cameras.map((camera) => run(camera, task)))
}

async function run(
  camera: CameraTask,
  folders: { manifestsFolder: string; modelsCache: string; viewsFolder: string },
): Promise<void> {
  const { deviceId, model } = camera
  const state = (word: CameraState, detail: string): void =>
    say({ kind: 'state', deviceId, state: word, detail })
  const detector = await detectorFor(model, folders, state)
  if (!detector) return
  let isModelWell = true
  const eye = new CameraEye(camera, {
    clock,
    turns,
    detector,
    viewsFolder: folders.viewsFolder,
    tell: (observation) => say({ kind: 'seen', observation }),
    judged: (error) => {
      if (error !== undefined) state('model-invalid', messageOf(error))
      else if (!isModelWell) state('seeing', 'the detector works again')
      isModelWell = error === undefined
    },
  })
  eyes.set(deviceId, eye)
  await watchCamera(camera, { clock, eye, state, chance: Math.random }, stopping.signal)
}

/** Waits until the model's file is the right one; nothing when this process stops before. */
async function detectorFor(
  model: string,
  { manifestsFolder, modelsCache }: { manifestsFolder: string; modelsCache: string },
  state: (word: CameraState, detail: string) => void,
): Promise<Detector | undefined> {
  while (!stopping.signal.aborted) {
    try {
      const opening =
        detectors.get(model) ?? openDetector(join(manifestsFolder, `${model}.yaml`), modelsCache)
      detectors.set(model, opening)
      return await opening
    } catch (error) {
      detectors.delete(model)
      state('model-invalid', messageOf(error))
      await pause(clock, waitAfter('model-invalid', 1, 0), stopping.signal).catch(() => undefined) // the loop ends
    }
  }
  return undefined
}

async function take({ id, deviceId, mark }: Extract<ToVision, { kind: 'take' }>): Promise<void> {
  try {
    const eye = eyes.get(deviceId)
    if (!eye) {
      say({ kind: 'no-picture', id, code: 'camera-stalled', message: `${deviceId}: no picture yet` })
      return
    }
    say({ kind: 'pictures', id, pictures: await eye.pictures(mark) })
  } catch (error) {
    const code = isGanglionError(error) ? error.code : 'camera-stalled'
    say({ kind: 'no-picture', id, code, message: `${deviceId}: ${messageOf(error)}` })
  }
}

/** The gateway sees the end of this process, says so and starts the next one. */
function fail(error: unknown): never {
  process.stderr.write(`${codeOf(error)}: ${messageOf(error)}\n`)
  process.exit(1)
}

Log.setLevel(AV_LOG_QUIET)
process.on('message', (message) => {
  const task = message as ToVision // only our own file is at the other end
  if (task.kind === 'take') taking = taking.then(() => take(task))
  else void watch(task).then(() => process.exit(0), fail)
})
// Ctrl-C reaches the whole group; the gateway decides when this process goes.
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => stopping.abort())
// The gateway is gone: nobody is left to see for.
process.on('disconnect', () => process.exit(0))
