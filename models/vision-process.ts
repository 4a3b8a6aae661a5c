import { fork, type ChildProcess } from 'node:child_process'
import type { Clock } from '../base/clock.ts'
import { GanglionError } from '../base/errors.ts'
import type { Detection } from '../gateway/detection.ts'
import type { Picture } from '../gateway/ports.ts'
import { BEAT_LIMIT_MS, type FromVision, type ToVision } from './vision-messages.ts'

/** Node and the native parts load within this on a slow box. */
const START_LIMIT_MS = 30_000
/** SIGTERM lets it give its sessions back to the cameras; then it is killed, still within the second. */
const POLITE_MS = 800
/** Under the gateway's own patience with proof. */
const PICTURE_LIMIT_MS = 4000
const LONGEST_WORDS = 2000

/** What the child does besides answering: the caller hears of it as it comes. */
export type Heard = Exclude<FromVision, { readonly kind: 'pictures' | 'no-picture' }>

/** The one child process in which pictures are decoded and looked at; a crash there never reaches the gateway. */
export class VisionProcess {
  /** Why it ended; it never rejects. */
  readonly ended: Promise<string>
  readonly #child: ChildProcess
  readonly #clock: Clock
  readonly #waiting = new Map<number, (answer: readonly Picture[] | GanglionError) => void>()
  #lastId = 0
  #lastWords = ''
  #stopWatch: () => void
  #killedFor: string | undefined

  constructor(task: Extract<ToVision, { kind: 'watch' }>, clock: Clock, hear: (message: Heard) => void) {
    this.#clock = clock
    this.#child = fork(new URL('vision-child.ts', import.meta.url), [], {
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // Nothing else of our environment: secrets may stand there.
      env: {
        PATH: process.env['PATH'],
        LD_LIBRARY_PATH: process.env['LD_LIBRARY_PATH'],
      },
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (words: string) => {
      this.#lastWords = (this.#lastWords + words).slice(-LONGEST_WORDS)
    })
    this.#stopWatch = this.#killAfter(START_LIMIT_MS)
    this.#child.on('message', (message) => {
      const from = message as FromVision // only our own file is at the other end
      if (from.kind === 'pictures') this.#answer(from.id, from.pictures)
      else if (from.kind === 'no-picture') {
        this.#answer(from.id, new GanglionError(from.code, from.message, { retry: 'later' }))
      } else {
        if (from.kind === 'beat') this.#beat()
        hear(from)
      }
    })
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(error.message))
      this.#child.once('close', (code, signal) => {
        this.#stopWatch()
        const gone = new GanglionError('camera-stalled', 'the vision process ended', { retry: 'later' })
        for (const id of this.#waiting.keys()) this.#answer(id, gone)
        resolve(this.#killedFor ?? `ended by ${signal ?? `code ${code ?? '?'}`}${this.#quote()}`)
      })
    })
    this.#child.send(task)
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** @throws GanglionError `camera-stalled` when there is no fresh picture. */
  async take(deviceId: string, mark: readonly Detection[]): Promise<readonly Picture[]> {
    const id = ++this.#lastId
    const answer = await new Promise<readonly Picture[] | GanglionError>((resolve) => {
      const cancel = this.#clock.after(PICTURE_LIMIT_MS, () => {
        this.#answer(
          id,
          new GanglionError('camera-stalled', `${deviceId}: no picture within 4 s`, { retry: 'later' }),
        )
      })
      this.#waiting.set(id, (settled) => {
        cancel()
        resolve(settled)
      })
      this.#say({ kind: 'take', id, deviceId, mark })
    })
    if (answer instanceof GanglionError) throw answer
    return answer
  }

  /** Ends it within a second. */
  async stop(): Promise<void> {
    this.#killedFor = 'stopped'
    this.#child.kill('SIGTERM')
    const cancel = this.#clock.after(POLITE_MS, () => this.#child.kill('SIGKILL'))
    await this.ended
    cancel()
  }

  #say(message: ToVision): void {
    // Between its death and 'close' the channel is gone already; 'close' answers whoever waits.
    if (this.#child.connected) this.#child.send(message)
  }

  #answer(id: number, answer: readonly Picture[] | GanglionError): void {
    this.#waiting.get(id)?.(answer)
    this.#waiting.delete(id)
  }

  #beat(): void {
    this.#stopWatch()
    this.#stopWatch = this.#killAfter(BEAT_LIMIT_MS)
  }

  #killAfter(limitMs: number): () => void {
    return this.#clock.after(limitMs, () => {
      this.#killedFor = `killed: no sign of life for ${limitMs / 1000} s`
      this.#child.kill('SIGKILL')
    })
  }

  /** The last line that it wrote, without what could be a login in a URL. */
  #quote(): string {
    const line = this.#lastWords.trim().split('\n').at(-1) ?? ''
    return line === '' ? '' : `: ${line.replace(/\/\/[^@\s/]*@/g, '//').slice(0, 300)}`
  }
}
