import {
  createHmac,
  sign as signAsymmetric,
  timingSafeEqual,
  verify as verifyAsymmetric,
  type KeyObject,
} from 'node:crypto'
import { instant, type Duration, type Instant } from '../base/clock.ts'
import { GanglionError } from '../base/errors.ts'
import {
  isInnerList,
  parseDictionary,
  serializeBytes,
  serializeInnerList,
  serializeString,
  type InnerList,
} from './structured-fields.ts'

/** HTTP message signatures (RFC 9421) for requests, with the two algorithms that both ends of Ganglion speak. */

export type SignatureAlgorithm = 'ed25519' | 'hmac-sha256'

/** What a signature can cover of a request. */
export interface RequestParts {
  readonly method: string
  /** Host and, unless it is the scheme's own, port: as it stands in the Host header. */
  readonly authority: string
  readonly path: string
  /** With its leading `?`; undefined where there is none. */
  readonly query?: string | undefined
  /** By lower-case name; a field that came twice is joined with `, `. */
  readonly fields: Readonly<Record<string, string | undefined>>
}

export interface Signer {
  readonly algorithm: SignatureAlgorithm
  readonly sign: (base: Uint8Array) => Uint8Array
}

export interface Signing {
  readonly keyId: string
  readonly signer: Signer
  /** Names of derived components (`@method`) and lower-case field names, in order. */
  readonly components: readonly string[]
  readonly created: Instant
  readonly nonce: string
}

/** How far the clock of a signer may be from the verifier's. */
export const SIGNATURE_WINDOW: Duration = 300_000

/** Signs with a key: Ed25519 private keys and HMAC secrets. @throws GanglionError `signature-invalid` for other keys. */
export function signerOf(key: KeyObject): Signer {
  const algorithm = algorithmOf(key)
  if (algorithm === 'hmac-sha256') {
    return { algorithm, sign: (base) => createHmac('sha256', key).update(base).digest() }
  }
  if (algorithm === 'ed25519' && key.type === 'private') {
    return { algorithm, sign: (base) => signAsymmetric(null, base, key) }
  }
  throw new GanglionError(
    'signature-invalid',
    `wanted an Ed25519 private key or a secret to sign with; got ${key.asymmetricKeyType ?? key.type}`,
  )
}

/** The two headers of a signed request. @throws GanglionError `signature-invalid` when a component is missing. */
export function signRequest(
  request: RequestParts,
  { keyId, signer, components, created, nonce }: Signing,
): { readonly 'signature-input': string; readonly signature: string } {
  // Written out and not serialized from a map: this runs for every request.
  const names = components.map((name) => `"${name}"`).join(' ')
  const params =
    `(${names});created=${Math.floor(created / 1000)};nonce=${serializeString(nonce)}` +
    `;keyid=${serializeString(keyId)};alg="${signer.algorithm}"`
  const base = signatureBase(request, components, params)
  if (typeof base !== 'string') {
    throw new GanglionError('signature-invalid', `wanted to sign ${base.missing}; the request has none`)
  }
  const signature = signer.sign(Buffer.from(base))
  return { 'signature-input': `sig1=${params}`, signature: `sig1=${serializeBytes(signature)}` }
}

export interface Verifying {
  /** The public key or secret of a key id; undefined when nobody knows it. */
  readonly keyFor: (keyId: string) => KeyObject | undefined
  readonly now: Instant
  /** Components that must be covered, whatever else is. */
  readonly requires: readonly string[]
}

export type Verdict =
  | { readonly is: 'valid'; readonly keyId: string; readonly nonce: string; readonly created: Instant }
  | {
      readonly is: 'invalid'
      readonly because:
        'missing' | 'malformed' | 'not-covered' | 'unknown-key' | 'outside-window' | 'wrong-signature'
      readonly text: string
    }

/** Judges the first signature of a request. It does not read the body: ask `contentDigestHolds` as well. */
export function verifyRequest(request: RequestParts, { keyFor, now, requires }: Verifying): Verdict {
  const input = request.fields['signature-input']
  const signatures = request.fields['signature']
  if (input === undefined || signatures === undefined) {
    return invalid('missing', 'wanted Signature-Input and Signature; the request is not signed')
  }
  const stated = readSignature(input, signatures)
  if (!stated) return invalid('malformed', 'Signature-Input and Signature do not fit RFC 9421')
  const { list, components, created, nonce, keyId, bytes } = stated

  const uncovered = requires.filter((name) => !components.includes(name))
  if (uncovered.length > 0)
    return invalid('not-covered', `wanted the signature to cover ${uncovered.join(', ')}`)

  const expires = list.params.get('expires')
  const isExpired = typeof expires === 'number' && expires * 1000 < now
  if (Math.abs(created - now) > SIGNATURE_WINDOW || isExpired) {
    const apartS = Math.round((created - now) / 1000)
    return invalid(
      'outside-window',
      `the signature was made ${apartS} s from the clock here; is one clock wrong?`,
    )
  }
  const key = keyFor(keyId)
  if (!key) return invalid('unknown-key', 'nobody here knows this keyid')
  const algorithm = algorithmOf(key)
  const named = list.params.get('alg')
  // The key says which algorithm it is for; a request cannot talk the verifier into another.
  if (algorithm === undefined || (named !== undefined && named !== algorithm)) {
    return invalid('wrong-signature', `wanted alg ${algorithm ?? 'of another key'} for this keyid`)
  }
  const base = signatureBase(request, components, serializeInnerList(list))
  if (typeof base !== 'string')
    return invalid('malformed', `the signature covers ${base.missing}, which is not there`)
  if (!holds(key, Buffer.from(base), bytes)) {
    return invalid('wrong-signature', 'the signature does not fit the request and the key of this keyid')
  }
  return { is: 'valid', keyId, nonce, created }
}

interface StatedSignature {
  readonly list: InnerList
  readonly components: readonly string[]
  readonly created: Instant
  readonly nonce: string
  readonly keyId: string
  readonly bytes: Uint8Array
}

function readSignature(input: string, signatures: string): StatedSignature | undefined {
  const [label, list] = parseDictionary(input)?.entries().next().value ?? []
  const member = label === undefined ? undefined : parseDictionary(signatures)?.get(label)
  if (!list || !isInnerList(list) || !member || isInnerList(member)) return undefined
  if (!(member.value instanceof Uint8Array)) return undefined
  const components: string[] = []
  for (const { value, params } of list.items) {
    // Component parameters (`;req`, `;key=…`, `;bs`) change what is covered; none is spoken here.
    if (typeof value !== 'string' || params.size > 0 || components.includes(value)) return undefined
    components.push(value)
  }
  const created = list.params.get('created')
  const nonce = list.params.get('nonce') ?? ''
  const keyId = list.params.get('keyid')
  if (typeof created !== 'number' || typeof nonce !== 'string' || typeof keyId !== 'string') return undefined
  return { list, components, created: instant(created * 1000), nonce, keyId, bytes: member.value }
}

/** RFC 9421 §2.5: one line a component, joined by \n without a final one. */
function signatureBase(
  request: RequestParts,
  components: readonly string[],
  params: string,
): string | { readonly missing: string } {
  let base = ''
  for (const name of components) {
    const value = componentValue(request, name)
    if (value === undefined) return { missing: name }
    base += `"${name}": ${value}\n`
  }
  return `${base}"@signature-params": ${params}`
}

function componentValue(request: RequestParts, name: string): string | undefined {
  switch (name) {
    case '@method':
      return request.method
    case '@authority':
      return request.authority.toLowerCase()
    case '@path':
      return request.path
    case '@query':
      return request.query
    default:
      // Header names are tokens: no derived component is left here, and no prototype's property.
      return /^[a-z0-9-]+$/.test(name) && Object.hasOwn(request.fields, name)
        ? request.fields[name]?.trim()
        : undefined
  }
}

function algorithmOf(key: KeyObject): SignatureAlgorithm | undefined {
  if (key.type === 'secret') return 'hmac-sha256'
  return key.asymmetricKeyType === 'ed25519' ? 'ed25519' : undefined
}

function holds(key: KeyObject, base: Uint8Array, signature: Uint8Array): boolean {
  if (key.type !== 'secret') return verifyAsymmetric(null, base, key, signature)
  const wanted = createHmac('sha256', key).update(base).digest()
  return wanted.length === signature.length && timingSafeEqual(wanted, signature)
}

const invalid = (because: Extract<Verdict, { is: 'invalid' }>['because'], text: string): Verdict => ({
  is: 'invalid',
  because,
  text,
})
