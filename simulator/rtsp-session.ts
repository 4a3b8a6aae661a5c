import { randomBytes } from 'node:crypto'
import { challengeHeader, isAuthorized, type Challenge } from '../wire/digest.ts'
import { packetize } from '../wire/rtp-h264.ts'
import {
  RtspReader,
  encodeInterleaved,
  encodeResponse,
  headerOf,
  type Headers,
  type RtspRequest,
} from '../wire/rtsp.ts'

/** What a simulated camera can do wrong, by the names that scenarios use. */
export const cameraFaults = [
  'auth-refused',
  'sha256-only',
  'not-found',
  'full',
  'stall',
  'reset',
  'garbage',
] as const
export type CameraFault = (typeof cameraFaults)[number]

/** One encoded picture: its NAL units and its time on the 90 kHz clock of RTP. */
export interface EncodedPicture {
  readonly nals: readonly Uint8Array[]
  readonly timestamp: number
}

export interface Door {
  /** Such as `/Streaming/Channels/102`. */
  readonly path: string
  readonly user: string
  readonly password: string
  /** The SDP of the stream. */
  readonly description: string
}

export const PAYLOAD_TYPE = 96
export const CONTROL = 'trackID=1'
const SESSION_SECONDS = 60

/** One client's connection: requests in, answers and media out; no socket in sight. */
export class RtspSession {
  /** What follows a lost picture is worthless up to the next key picture. */
  waitsForKey = true
  readonly #door: Door
  readonly #reader = new RtspReader()
  readonly #id = randomBytes(4).toString('hex')
  readonly #ssrc = randomBytes(4).readUInt32BE()
  // A nonce is per connection on many cameras.
  readonly #nonce = randomBytes(16).toString('hex')
  #sequence = randomBytes(2).readUInt16BE()
  #channel = 0
  #stage: 'new' | 'ready' | 'playing' | 'over' = 'new'

  constructor(door: Door) {
    this.#door = door
  }

  get isPlaying(): boolean {
    return this.#stage === 'playing'
  }

  get isOver(): boolean {
    return this.#stage === 'over'
  }

  take(bytes: Uint8Array, fault: CameraFault | undefined): Uint8Array[] {
    const answers: Uint8Array[] = []
    for (const item of this.#reader.push(bytes)) {
      // Receiver reports come as interleaved frames; a camera does not read them.
      if (item.kind === 'request') answers.push(this.#answer(item, fault))
    }
    return answers
  }

  /** The bytes that carry a picture to this client. */
  frames(picture: EncodedPicture): Uint8Array {
    const packets = packetize(picture.nals, {
      payloadType: PAYLOAD_TYPE,
      ssrc: this.#ssrc,
      sequence: this.#sequence,
      timestamp: picture.timestamp,
    })
    this.#sequence = (this.#sequence + packets.length) & 0xffff
    return Buffer.concat(packets.map((packet) => encodeInterleaved(this.#channel, packet)))
  }

  #answer(request: RtspRequest, fault: CameraFault | undefined): Uint8Array {
    const cseq: Headers = [['CSeq', headerOf(request.headers, 'cseq') ?? '0']]
    const say = (status: number, reason: string, headers: Headers = [], body = ''): Uint8Array =>
      encodeResponse({ status, reason, headers: [...cseq, ...headers], body: Buffer.from(body) })
    if (request.method === 'OPTIONS') {
      return say(200, 'OK', [
        ['Public', 'OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER, SET_PARAMETER'],
      ])
    }
    const challenge = this.#challenge(fault)
    const isIn =
      fault !== 'auth-refused' &&
      isAuthorized(headerOf(request.headers, 'authorization'), challenge, this.#door, request)
    if (!isIn) return say(401, 'Unauthorized', [['WWW-Authenticate', challengeHeader(challenge)]])
    const session: Headers = [['Session', `${this.#id};timeout=${SESSION_SECONDS}`]]
    switch (request.method) {
      case 'DESCRIBE':
        if (fault === 'not-found' || pathOf(request.uri) !== this.#door.path) return say(404, 'Not Found')
        return say(
          200,
          'OK',
          [
            ['Content-Base', `${request.uri}/`],
            ['Content-Type', 'application/sdp'],
          ],
          this.#door.description,
        )
      case 'SETUP': {
        if (fault === 'full') return say(453, 'Not Enough Bandwidth')
        if (pathOf(request.uri) !== `${this.#door.path}/${CONTROL}`) return say(404, 'Not Found')
        const transport = /RTP\/AVP\/TCP;.*interleaved=(\d{1,3})-\d{1,3}/.exec(
          headerOf(request.headers, 'transport') ?? '',
        )
        if (!transport) return say(461, 'Unsupported Transport')
        this.#channel = Number(transport[1]) & 0xff
        this.#stage = 'ready'
        return say(200, 'OK', [
          ['Transport', `RTP/AVP/TCP;unicast;interleaved=${this.#channel}-${this.#channel + 1}`],
          ...session,
        ])
      }
      case 'PLAY':
        if (this.#stage === 'new') return say(455, 'Method Not Valid in This State')
        this.#stage = 'playing'
        return say(200, 'OK', [['Range', 'npt=now-'], ...session])
      case 'GET_PARAMETER':
      case 'SET_PARAMETER':
        return say(200, 'OK', session)
      case 'TEARDOWN':
        this.#stage = 'over'
        return say(200, 'OK')
      default:
        return say(501, 'Not Implemented')
    }
  }

  #challenge(fault: CameraFault | undefined): Challenge {
    return {
      realm: 'IP Camera(GANGLION)',
      nonce: this.#nonce,
      algorithm: fault === 'sha256-only' ? 'SHA-256' : 'MD5',
      qop: undefined,
      opaque: undefined,
      stale: false,
      namesAlgorithm: fault === 'sha256-only',
    }
  }
}

/** Without host and query: cameras are reached by many names. */
const pathOf = (uri: string): string => uri.replace(/^rtsp:\/\/[^/]*/, '').replace(/[?].*$/, '')
