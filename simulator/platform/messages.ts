import type { PlatformOptions } from '../platform.ts'
import type { PlatformFault } from './fault.ts'
import type { Counters, Fact, PlatformCase, ReceivedRevision } from './received.ts'

/** The platform's options as JSON: in the environment variable GANGLION_PLATFORM, or on standard input. */
export interface ProcessOptions extends Omit<PlatformOptions, 'clock' | 'stamp' | 'onEvent'> {
  /** `print`: one line a case on standard output. `send`: facts as messages. Default `none`. */
  readonly facts?: 'none' | 'print' | 'send'
  readonly timeZone?: string
}

/** What a parent process says to the platform. */
export type ToPlatform =
  | { readonly is: 'fault'; readonly fault: PlatformFault | null }
  | { readonly is: 'ask'; readonly id: number; readonly what: 'counters' | 'received' | 'cases' }
  | { readonly is: 'stop' }

export type FromPlatform =
  | { readonly is: 'listening'; readonly port: number; readonly url: string }
  | { readonly is: 'failed'; readonly code: string; readonly message: string }
  /** The fault is set, or over. */
  | { readonly is: 'fault-set'; readonly fault: PlatformFault | null }
  | { readonly is: 'fact'; readonly fact: Fact }
  | { readonly is: 'answer'; readonly id: number; readonly what: 'counters'; readonly value: Counters }
  | {
      readonly is: 'answer'
      readonly id: number
      readonly what: 'received'
      readonly value: readonly ReceivedRevision[]
    }
  | {
      readonly is: 'answer'
      readonly id: number
      readonly what: 'cases'
      readonly value: readonly PlatformCase[]
    }
