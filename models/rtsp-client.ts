import { randomBytes } from 'node:crypto'
import type { Clock, Duration } from '../base/clock.ts'
import { authorization, parseOffer, type Challenge, type Login, type Offer } from '../wire/digest.ts'
import { encodeRequest, headerOf, headersOf, type Headers, type RtspResponse } from '../wire/rtsp.ts'
import { controlUrl, readVideo, type VideoTrack } from '../wire/sdp.ts'
import { CameraTrouble } from './camera-trouble.ts'
import { RtspLine } from './rtsp-line.ts'

/**
 * Our own RTSP client. FFmpeg's hides the status codes, holds a thread for each camera, cannot be called off while it
 * connects, and a stream with rubbish in it brought the whole process down (seen again and again).
 */

export interface CameraAddress extends Login {
  /** `rtsp://host:port/path`, without credentials: devices do not accept them in a request line. */
  readonly url: string
}

const ANSWER_WITHIN: Duration = 5000
/** What RFC 2326 §12.37 says where the camera says nothing. */
const DEFAULT_SESSION_SECONDS = 60

/** An open session whose stream plays. */
export class RtspClient {
  readonly track: VideoTrack
  readonly line: RtspLine
  readonly #talk: Talk
  readonly #clock: Clock
  readonly #session: Session
  #cancelKeepAlive: () => void
  #isClosed = false

  private constructor(line: RtspLine, talk: Talk, session: Session, clock: Clock) {
    this.line = line
    this.track = session.track
    this.#talk = talk
    this.#clock = clock
    this.#session = session
    this.#cancelKeepAlive = this.#keepAlive()
  }

  /** @throws CameraTrouble in the word that leads to the remedy. */
  static async play(camera: CameraAddress, clock: Clock, signal: AbortSignal): Promise<RtspClient> {
    const line = new RtspLine(camera.url, clock)
    const abort = (): void => line.break(new CameraTrouble('unreachable', 'stopped'))
    signal.addEventListener('abort', abort, { once: true })
    try {
      const talk = new Talk(line, camera)
      return new RtspClient(line, talk, await open(talk, camera.url), clock)
    } catch (error) {
      line.end()
      throw error
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  /** Gives the session back: leaked ones make a camera full. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#cancelKeepAlive()
    this.#talk.send('TEARDOWN', this.#session.url, this.#session.headers)
    this.line.end()
  }

  /** Twice in the camera's patience; the answers come between the frames and say nothing new. */
  #keepAlive(): () => void {
    return this.#clock.after((this.#session.timeoutSeconds * 1000) / 2, () => {
      this.#talk.send(this.#session.keepAliveMethod, this.#session.url, this.#session.headers)
      this.#cancelKeepAlive = this.#keepAlive()
    })
  }
}

interface Session {
  readonly track: VideoTrack
  readonly url: string
  readonly headers: Headers
  readonly timeoutSeconds: number
  readonly keepAliveMethod: 'GET_PARAMETER' | 'OPTIONS'
}

async function open(talk: Talk, url: string): Promise<Session> {
  const options = await talk.ask('OPTIONS', url)
  const described = await talk.ask('DESCRIBE', url, [['Accept', 'application/sdp']])
  if (described.status !== 200) throw refusal(described, 'DESCRIBE')
  const track = readVideo(Buffer.from(described.body).toString('utf8'))
  if ('others' in track) {
    const others = track.others.length > 0 ? ` but in ${track.others.join(', ')}` : ''
    throw new CameraTrouble('missing', `it describes no video in H.264 or H.265${others}`)
  }
  const base = headerOf(described.headers, 'content-base') ?? url
  const setup = await talk.ask('SETUP', controlUrl(track.control, base), [
    ['Transport', 'RTP/AVP/TCP;unicast;interleaved=0-1'],
  ])
  if (setup.status !== 200) throw refusal(setup, 'SETUP')
  const [id = '', ...parameters] = (headerOf(setup.headers, 'session') ?? '').split(';')
  const headers: Headers = [['Session', id.trim()]]
  const played = await talk.ask('PLAY', base, [...headers, ['Range', 'npt=0.000-']])
  if (played.status !== 200) throw refusal(played, 'PLAY')
  const timeout = /timeout=(\d{1,4})/.exec(parameters.join(';'))?.[1]
  return {
    track,
    url: base,
    headers,
    timeoutSeconds: Math.max(10, Number(timeout ?? DEFAULT_SESSION_SECONDS)),
    keepAliveMethod: /GET_PARAMETER/.test(headerOf(options.headers, 'public') ?? '')
      ? 'GET_PARAMETER'
      : 'OPTIONS',
  }
}

/** Requests with the login in them, and their answers. */
class Talk {
  readonly #line: RtspLine
  readonly #login: Login
  #count = 0
  #challenge: Challenge | undefined
  #nonceUses = 0
  #isLoggedIn = false

  constructor(line: RtspLine, login: Login) {
    this.#line = line
    this.#login = login
  }

  send(method: string, uri: string, headers: Headers): string {
    const cseq = String(++this.#count)
    const sign = this.#challenge ? [['Authorization', this.#sign(this.#challenge, method, uri)] as const] : []
    const own: Headers = [['CSeq', cseq], ['User-Agent', 'Ganglion'], ...sign]
    this.#line.write(encodeRequest({ method, uri, headers: [...own, ...headers] }))
    return cseq
  }

  /** The answer after the login, whatever it says. @throws CameraTrouble when it is a matter of the login. */
  async ask(method: string, uri: string, headers: Headers = []): Promise<RtspResponse> {
    for (let retries = 0; ;) {
      const isSigned = this.#challenge !== undefined
      const answer = await this.#exchange(method, uri, headers)
      if (answer.status !== 401) {
        this.#isLoggedIn ||= isSigned
        return answer
      }
      const offer = parseOffer(headersOf(answer.headers, 'www-authenticate'))
      const challenge = offer.digests.find(({ algorithm }) => algorithm === 'MD5')
      if (!challenge) throw new CameraTrouble('auth-unsupported', unsupported(offer))
      // A nonce that is too old, or a new one for each request, is no wrong password; that costs an account.
      const isNewNonce = isSigned && (challenge.stale || this.#isLoggedIn)
      if (isSigned && (!isNewNonce || retries++ > 0)) throw refusal(answer, method)
      this.#challenge = challenge
      this.#nonceUses = 0
    }
  }

  async #exchange(method: string, uri: string, headers: Headers): Promise<RtspResponse> {
    const cseq = this.send(method, uri, headers)
    const callOff = this.#line.breakAfter(ANSWER_WITHIN, () => this.#line.silence(ANSWER_WITHIN))
    try {
      for (;;) {
        const item = await this.#line.next()
        // Some cameras send no CSeq with errors; an old answer carries another one.
        if (item.kind === 'response' && (headerOf(item.headers, 'cseq') ?? cseq) === cseq) return item
      }
    } finally {
      callOff()
    }
  }

  #sign(challenge: Challenge, method: string, uri: string): string {
    const use = { count: ++this.#nonceUses, cnonce: randomBytes(8).toString('hex') }
    return authorization(challenge, this.#login, { method, uri }, use)
  }
}

function unsupported(offer: Offer): string {
  const offered = [...offer.digests.map(({ algorithm }) => `Digest ${algorithm}`), ...offer.others]
  return `wanted Digest with MD5; it offers ${offered.join(', ') || 'nothing'}. Set its RTSP authentication to Digest (MD5)`
}

function refusal(answer: RtspResponse, method: string): CameraTrouble {
  const detail = `${method} was answered ${answer.status} ${answer.reason.slice(0, 60)}`
  switch (answer.status) {
    case 401:
      return new CameraTrouble('auth-refused', detail)
    case 404:
    case 454:
      return new CameraTrouble('missing', detail)
    // 403 after a good login is how some say that all sessions are taken.
    case 403:
    case 453:
    case 503:
      return new CameraTrouble('full', detail)
    default:
      return new CameraTrouble('unreachable', detail)
  }
}
