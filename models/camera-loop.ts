import { pause, type Clock } from '../base/clock.ts'
import type { CameraEye } from './camera-eye.ts'
import { waitAfter, type CameraFault, type CameraState } from './camera-state.ts'
import { decodeStream } from './camera-stream.ts'
import { CameraTrouble } from './camera-trouble.ts'
import type { CameraTask } from './vision-messages.ts'

/** Pictures came for this long: what comes next is a new trouble. */
const WELL_MS = 10_000

export interface LoopContext {
  readonly clock: Clock
  readonly eye: CameraEye
  readonly state: (state: CameraState, detail: string) => void
  /** 0 … 1. */
  readonly chance: () => number
}

/** Keeps one camera's stream coming until aborted: asks, decodes, says what is wrong, waits, asks again. */
export async function watchCamera(
  task: CameraTask,
  context: LoopContext,
  signal: AbortSignal,
): Promise<void> {
  const { clock, state, chance } = context
  let last: CameraFault | undefined
  let failures = 0
  state('connecting', '')
  while (!signal.aborted) {
    const trouble = await watchOnce(task, context, signal)
    if (isAborted(signal)) return
    failures = trouble.is === last && trouble.sawForMs < WELL_MS ? failures + 1 : 1
    last = trouble.is
    state(trouble.is, trouble.detail)
    await pause(clock, waitAfter(trouble.is, failures, chance()), signal).catch(() => undefined) // the loop ends
  }
}

interface Trouble {
  readonly is: CameraFault
  readonly detail: string
  readonly sawForMs: number
}

/** Answers when the stream is over; everything but trouble with the camera is thrown. */
async function watchOnce(task: CameraTask, context: LoopContext, signal: AbortSignal): Promise<Trouble> {
  const { clock, eye, state } = context
  let firstAt: number | undefined
  eye.beginStream()
  const trouble = await decodeStream(task, {
    clock,
    signal,
    onPicture: async (picture) => {
      if (firstAt === undefined) state('seeing', `${picture.frame.width}×${picture.frame.height}`)
      firstAt ??= clock.ticks()
      await eye.take(picture)
    },
    onRubbish: (count) => eye.countRubbish(count),
  }).catch((error: unknown) => {
    if (error instanceof CameraTrouble) return error
    throw error
  })
  const sawForMs = firstAt === undefined ? 0 : clock.ticks() - firstAt
  return { is: trouble?.fault ?? 'stalled', detail: trouble?.message ?? 'stopped', sawForMs }
}

/** A call, so that the compiler believes it may have changed over an await. */
const isAborted = (signal: AbortSignal): boolean => signal.aborted
