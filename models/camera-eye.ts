import { Scaler } from 'node-av/api'
import type { Frame as AvFrame } from 'node-av/lib'
import type { Clock, Instant } from '../base/clock.ts'
import { GanglionError } from '../base/errors.ts'
import type { Detection } from '../gateway/detection.ts'
import type { Observation, Picture } from '../gateway/ports.ts'
import { changeSize, type Background } from './background.ts'
import { loadBackground, saveBackground } from './background-file.ts'
import { ChangeWatch } from './change-watch.ts'
import type { Detector } from './detector.ts'
import { FrameClock } from './frame-clock.ts'
import { fitInto } from './letterbox.ts'
import { graySize, isWorthALook, type Gate } from './motion.ts'
import { takePictures } from './snapshot.ts'
import type { Turns } from './turns.ts'
import type { CameraTask, FrameCounts } from './vision-messages.ts'
import type { DecodedPicture } from './video-decoder.ts'
import { ZoneWatch } from './zone-watch.ts'

/** The view is written down so often. */
const SAVE_VIEW_EVERY_MS = 10 * 60_000
/** A picture older than this proves nothing about now. */
const FRESH_MS = 3000

export interface EyeContext {
  readonly clock: Clock
  readonly turns: Turns
  readonly detector: Detector
  /** Where the view of a camera is kept over a restart. */
  readonly viewsFolder: string
  readonly tell: (observation: Observation) => void
  /** After each inference: what it threw, or nothing. */
  readonly judged: (error: unknown) => void
}

/** One camera's pictures: which are looked at, what is seen in them, and the last one for proof. */
export class CameraEye {
  readonly #task: CameraTask
  readonly #context: EyeContext
  readonly #watch: ZoneWatch
  // One scaler for each use: they overlap in time.
  readonly #grays = new Scaler()
  readonly #colours = new Scaler()
  readonly #views = new Scaler()
  readonly #changes: ChangeWatch
  readonly #background: Background
  #savedTicks: number
  #frameClock = new FrameClock()
  #gate: Gate | undefined
  #last: { readonly frame: AvFrame; readonly at: Instant; readonly ticks: number } | undefined
  #counts = { decoded: 0, sampled: 0, dropped: 0, late: 0, inferences: 0, rubbish: 0 }
  #rubbishOfStream = 0

  constructor(task: CameraTask, context: EyeContext) {
    this.#task = task
    this.#context = context
    const { manifest } = context.detector
    this.#background = loadBackground(context.viewsFolder, task.deviceId)
    this.#changes = new ChangeWatch(task, this.#background)
    this.#savedTicks = context.clock.ticks()
    this.#watch = new ZoneWatch({ ...task, model: manifest.name, thresholds: manifest.thresholds })
  }

  get counts(): FrameCounts {
    return { ...this.#counts }
  }

  /** The next stream's times have nothing to do with the last one's. */
  beginStream(): void {
    this.#frameClock = new FrameClock()
    this.#rubbishOfStream = 0
  }

  /** @param count of the present stream */
  countRubbish(count: number): void {
    this.#counts.rubbish += count - this.#rubbishOfStream
    this.#rubbishOfStream = count
  }

  async take({ frame, ptsMs }: DecodedPicture): Promise<void> {
    this.#counts.decoded++
    const { clock } = this.#context
    const ticks = clock.ticks()
    const { at, is } = this.#frameClock.take(ptsMs, { now: clock.now(), ticks })
    if (is === 'late') this.#counts.late++
    if (is !== 'sample') return
    this.#counts.sampled++
    const kept = frame.clone()
    if (!kept) return // no memory for another reference: the next one may have it
    this.#last?.frame.free()
    this.#last = { frame: kept, at, ticks }
    const next = { gray: await this.#grays.toBuffer(frame, { resize: graySize, format: 'gray' }), at }
    if (isWorthALook(this.#gate, next, this.#watch.attention)) this.#offer(kept, next)
    else this.#tell('gated', at)
    await this.#lookForChange(frame, at)
  }

  async #lookForChange(frame: AvFrame, at: Instant): Promise<void> {
    const gray = await this.#views.toBuffer(frame, { resize: changeSize, format: 'gray' })
    const observation = this.#changes.take(gray, at)
    if (observation) this.#context.tell(observation)
    this.#saveView()
  }

  /** What was learned, soon; what has slowly followed the light, now and then. */
  #saveView(): void {
    const { clock, viewsFolder } = this.#context
    const ticks = clock.ticks()
    if (!this.#background.hasLearned && ticks - this.#savedTicks < SAVE_VIEW_EVERY_MS) return
    this.#savedTicks = ticks
    saveBackground(viewsFolder, this.#task.deviceId, this.#background)
  }

  /**
   * The original and the copy for the platform of the last sampled picture.
   * @throws GanglionError `camera-stalled` when there is none from the last seconds.
   */
  async pictures(mark: readonly Detection[]): Promise<readonly Picture[]> {
    const last = this.#last
    const age = last === undefined ? Infinity : this.#context.clock.ticks() - last.ticks
    const frame = age <= FRESH_MS ? last?.frame.clone() : null
    if (!frame || !last) {
      throw new GanglionError(
        'camera-stalled',
        `${this.#task.deviceId}: no picture of the last ${FRESH_MS / 1000} s`,
      )
    }
    try {
      const scaler = new Scaler()
      try {
        // What was seen a moment ago may have walked on: this very picture decides what is hidden in it.
        const seen = [...(await this.#detect(frame, scaler)), ...this.#watch.tracks]
        return await takePictures({ frame, at: last.at, seen, mark, scaler })
      } finally {
        scaler.close()
      }
    } finally {
      frame.free()
    }
  }

  #offer(frame: AvFrame, next: Gate): void {
    const held = frame.clone()
    if (!held) return
    const look = async (): Promise<void> => {
      try {
        const seen = await this.#detect(held, this.#colours)
        this.#counts.inferences++
        // The gate compares with what was looked at, so a picture that was dropped leaves it as it is.
        this.#gate = next
        this.#tell(seen, next.at)
        this.#context.judged(undefined)
      } catch (error) {
        this.#context.judged(error)
      } finally {
        held.free()
      }
    }
    this.#context.turns.offer(this.#task.deviceId, look, () => {
      this.#counts.dropped++
      held.free()
    })
  }

  async #detect(frame: AvFrame, scaler: Scaler): Promise<Detection[]> {
    const { detector } = this.#context
    const { width, height } = fitInto(frame, detector.manifest.input)
    const rgb = await scaler.toBuffer(frame, { resize: { width, height }, format: 'rgb' })
    return detector.detect(rgb, width, height)
  }

  #tell(seen: readonly Detection[] | 'gated', at: Instant): void {
    const observation = this.#watch.take(seen, at)
    if (observation) this.#context.tell(observation)
  }
}
