import type { CameraFault } from './rtsp-session.ts'
import type { Scene } from './scene.ts'
import type { SceneName } from './scene-names.ts'

/** What a simulated camera is told. It goes over IPC: a password in argv could be read by every user of the box. */
export interface CameraSettings {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  /** Such as `/Streaming/Channels/102`. */
  readonly path: string
  readonly user: string
  readonly password: string
  readonly scene: Scene | SceneName
}

export type ToCamera = { readonly id: number } & (
  | { readonly kind: 'start'; readonly settings: CameraSettings }
  | { readonly kind: 'scene'; readonly scene: Scene | SceneName }
  | { readonly kind: 'fault'; readonly fault: CameraFault | undefined }
)

/** The answer to the message of that id. */
export type FromCamera = { readonly id: number } & (
  { readonly kind: 'done'; readonly port: number } | { readonly kind: 'failed'; readonly message: string }
)
