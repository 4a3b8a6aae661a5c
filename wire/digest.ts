import { createHash, timingSafeEqual } from 'node:crypto'

/** Digest access authentication (RFC 7616, RFC 2617) as cameras, recorders and video platforms speak it. */

/** The `-sess` kinds and SHA-512-256 were seen on no camera and are not answered. */
export const digestAlgorithms = ['MD5', 'SHA-256'] as const
export type DigestAlgorithm = (typeof digestAlgorithms)[number]

/** 质询: what a server asks for before it lets a request through. */
export interface Challenge {
  readonly realm: string
  readonly nonce: string
  readonly algorithm: DigestAlgorithm
  /** `auth` when it was offered; without it the older form of RFC 2069 is meant. */
  readonly qop: 'auth' | undefined
  readonly opaque: string | undefined
  /** The nonce was too old: try again with this one; the password was not wrong. */
  readonly stale: boolean
  /** Cameras that name MD5 want it back; those that name nothing may choke on it. */
  readonly namesAlgorithm: boolean
}

/** Everything a 401 offered. */
export interface Offer {
  /** Digest challenges that can be answered, in the order they came. */
  readonly digests: readonly Challenge[]
  /** The other schemes and algorithms, for a clear word: `Basic`, `Digest SHA-512-256`. */
  readonly others: readonly string[]
}

/** Who asks for what: `uri` is exactly the one of the request line. */
export interface DigestRequest {
  readonly method: string
  readonly uri: string
}

export interface Login {
  readonly user: string
  readonly password: string
}

const LONGEST_HEADER = 4096

/** Reads every `WWW-Authenticate` header of an answer; one header may hold several challenges. */
export function parseOffer(headers: readonly string[]): Offer {
  const digests: Challenge[] = []
  const others: string[] = []
  for (const { scheme, params } of headers.flatMap(splitSchemes)) {
    if (scheme.toLowerCase() !== 'digest') {
      others.push(scheme.slice(0, 40))
      continue
    }
    const named = params.get('algorithm')
    const algorithm = digestAlgorithms.find((known) => known === (named ?? 'MD5').toUpperCase())
    const nonce = params.get('nonce')
    const qops = params
      .get('qop')
      ?.split(',')
      .map((word) => word.trim().toLowerCase())
    if (!algorithm || nonce === undefined || (qops && !qops.includes('auth'))) {
      others.push(`Digest ${algorithm ? 'without nonce or auth' : (named ?? '').slice(0, 40)}`)
      continue
    }
    digests.push({
      realm: params.get('realm') ?? '',
      nonce,
      algorithm,
      qop: qops ? 'auth' : undefined,
      opaque: params.get('opaque'),
      stale: params.get('stale')?.toLowerCase() === 'true',
      namesAlgorithm: named !== undefined,
    })
  }
  return { digests, others }
}

/**
 * The value of the `Authorization` header.
 * @param use with qop, how often this nonce was used (from 1) and a nonce of ours.
 */
export function authorization(
  challenge: Challenge,
  login: Login,
  request: DigestRequest,
  use: { readonly count: number; readonly cnonce: string },
): string {
  const { realm, nonce, algorithm, qop, opaque } = challenge
  const nc = use.count.toString(16).padStart(8, '0')
  const proof = response({ algorithm, realm, nonce, qop, nc, cnonce: use.cnonce }, login, request)
  const parts = [
    `username=${quoted(login.user)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(request.uri)}`,
    `response="${proof}"`,
  ]
  if (challenge.namesAlgorithm) parts.push(`algorithm=${algorithm}`)
  if (opaque !== undefined) parts.push(`opaque=${quoted(opaque)}`)
  if (qop) parts.push(`qop=${qop}`, `nc=${nc}`, `cnonce=${quoted(use.cnonce)}`)
  return `Digest ${parts.join(', ')}`
}

/** The `WWW-Authenticate` value of a server. */
export function challengeHeader(challenge: Challenge): string {
  const parts = [`realm=${quoted(challenge.realm)}`, `nonce=${quoted(challenge.nonce)}`]
  if (challenge.namesAlgorithm) parts.push(`algorithm=${challenge.algorithm}`)
  if (challenge.qop) parts.push(`qop="${challenge.qop}"`)
  if (challenge.opaque !== undefined) parts.push(`opaque=${quoted(challenge.opaque)}`)
  if (challenge.stale) parts.push('stale=true')
  return `Digest ${parts.join(', ')}`
}

/** A server's judgement of an `Authorization` header against the challenge it sent. */
export function isAuthorized(
  header: string | undefined,
  challenge: Challenge,
  login: Login,
  request: DigestRequest,
): boolean {
  const given = header === undefined ? undefined : splitSchemes(header)[0]
  if (given?.scheme.toLowerCase() !== 'digest') return false
  const { params } = given
  const algorithm = (params.get('algorithm') ?? 'MD5').toUpperCase()
  if (
    params.get('username') !== login.user ||
    params.get('realm') !== challenge.realm ||
    params.get('nonce') !== challenge.nonce ||
    params.get('uri') !== request.uri ||
    algorithm !== challenge.algorithm
  ) {
    return false
  }
  const nc = params.get('nc') ?? ''
  const cnonce = params.get('cnonce') ?? ''
  const wanted = response({ ...challenge, nc, cnonce }, login, request)
  // Compared as bytes: a letter may be several of them.
  const [got, right] = [Buffer.from(params.get('response') ?? ''), Buffer.from(wanted)]
  return got.length === right.length && timingSafeEqual(got, right)
}

interface Ingredients {
  readonly algorithm: DigestAlgorithm
  readonly realm: string
  readonly nonce: string
  readonly qop: 'auth' | undefined
  readonly nc: string
  readonly cnonce: string
}

/** RFC 7616 §3.4.1; without qop RFC 2617 §3.2.2.1. Lower-case hex. */
function response(from: Ingredients, login: Login, request: DigestRequest): string {
  const hash = (text: string): string =>
    createHash(from.algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex')
  const who = hash(`${login.user}:${from.realm}:${login.password}`)
  const what = hash(`${request.method}:${request.uri}`)
  return from.qop
    ? hash(`${who}:${from.nonce}:${from.nc}:${from.cnonce}:${from.qop}:${what}`)
    : hash(`${who}:${from.nonce}:${what}`)
}

/** A control character in a quoted value would end the header it stands in. */
const quoted = (text: string): string =>
  // eslint-disable-next-line no-control-regex -- control characters are what must go
  `"${text.replace(/[\u0000-\u001f\u007f]/g, '').replace(/["\\]/g, '\\$&')}"`

interface Scheme {
  readonly scheme: string
  readonly params: ReadonlyMap<string, string>
}

const token = /[^\s,="]+/y
const quotedValue = /"((?:[^"\\]|\\.)*)("|$)/y // a public client leaves `opaque="` unclosed
const bareValue = /[^\s,]*/y

/** `Digest a="x, y", b=z, Basic realm="w"` is two schemes: only a quote-aware walk can tell. */
function splitSchemes(header: string): Scheme[] {
  if (header.length > LONGEST_HEADER) return []
  const schemes: { scheme: string; params: Map<string, string> }[] = []
  let at = 0
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const match = pattern.exec(header)
    if (match) at += match[0].length
    return match
  }
  while (at < header.length) {
    take(/[\s,]+/y)
    const word = take(token)?.[0]
    if (word === undefined) {
      at++ // a stray quote or equals sign
      continue
    }
    const isParam = take(/\s*=\s*/y) !== null
    if (!isParam) {
      schemes.push({ scheme: word, params: new Map() })
      continue
    }
    const inQuotes = take(quotedValue)
    const value = inQuotes ? (inQuotes[1] ?? '').replace(/\\(.)/gs, '$1') : (take(bareValue)?.[0] ?? '')
    const params = schemes.at(-1)?.params
    const name = word.toLowerCase()
    // The first of two stands: a later one could only be there to confuse.
    if (params && !params.has(name)) params.set(name, value)
  }
  return schemes
}
