import { fork, type ChildProcess } from 'node:child_process'
import { GanglionError } from '../base/errors.ts'
import type { CameraSettings, FromCamera, ToCamera } from './camera-messages.ts'
import type { CameraFault } from './rtsp-session.ts'
import type { Scene } from './scene.ts'
import type { SceneName } from './scene-names.ts'

export type { CameraSettings } from './camera-messages.ts'
export { cameraFaults, type CameraFault } from './rtsp-session.ts'

/** 模拟摄像机: draws a scene, encodes it and serves it by RTSP, in a process of its own. */
export interface SimulatedCamera {
  /** Where it listens. */
  readonly port: number
  readonly pid: number
  /** What it sees from now on. */
  setScene(scene: Scene | SceneName): Promise<void>
  /** Nothing clears the fault. */
  setFault(fault: CameraFault | undefined): Promise<void>
  stop(): Promise<void>
}

/** @throws GanglionError `listen-failed` when its port is taken. */
export async function startCamera(settings: CameraSettings): Promise<SimulatedCamera> {
  const line = new CameraLine()
  const { port } = await line.ask({ kind: 'start', settings }).catch(async (error: unknown) => {
    await line.stop()
    throw error
  })
  return {
    port,
    pid: line.pid,
    setScene: async (scene) => {
      await line.ask({ kind: 'scene', scene })
    },
    setFault: async (fault) => {
      await line.ask({ kind: 'fault', fault })
    },
    stop: () => line.stop(),
  }
}

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never

/** Questions to the camera's process and their answers. */
class CameraLine {
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  readonly #waiting = new Map<number, (answer: FromCamera) => void>()
  #lastId = 0

  constructor() {
    this.#child = fork(new URL('camera-child.ts', import.meta.url), [], {
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#child.on('message', (message) => {
      const answer = message as FromCamera // only our own file is at the other end
      this.#waiting.get(answer.id)?.(answer)
      this.#waiting.delete(answer.id)
    })
    this.#child.on('error', () => undefined) // 'close' follows and answers whoever waits
    this.#ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        for (const [id, answer] of this.#waiting) {
          answer({
            id,
            kind: 'failed',
            message: `the camera's process ended (${signal ?? code ?? 'never started'})`,
          })
        }
        resolve()
      })
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  async ask(question: WithoutId<ToCamera>): Promise<{ readonly port: number }> {
    const id = ++this.#lastId
    const answer = await new Promise<FromCamera>((resolve) => {
      this.#waiting.set(id, resolve)
      if (!this.#child.connected) {
        resolve({ id, kind: 'failed', message: "the camera's process is gone" })
        return
      }
      this.#child.send({ ...question, id })
    })
    if (answer.kind === 'failed') throw new GanglionError('listen-failed', answer.message)
    return { port: answer.port }
  }

  /** Nothing in it needs to be saved. */
  async stop(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }
}
