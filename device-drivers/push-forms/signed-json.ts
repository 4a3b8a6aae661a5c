import { createHmac, timingSafeEqual } from 'node:crypto'
import { Type, type Static } from 'typebox'
import type { Instant } from '../../base/clock.ts'
import { GanglionError } from '../../base/errors.ts'
import type { Fields } from '../../gateway/ports.ts'
import { SecretRef } from '../../gateway/words.ts'
import { parseTime } from '../codecs/json-payload.ts'
import { isObject, listOf, nameOf, namesOf, readBody } from '../push/body.ts'
import {
  ok,
  refused,
  type OpenForm,
  type PushForm,
  type PushRequest,
  type PushSaid,
  type Verdict,
} from '../push/form.ts'

const settings = Type.Object({ key: SecretRef }, { additionalProperties: false })

const WINDOW_MS = 300_000
const LEAST_KEY_BYTES = 16
const MOST_SIGNATURES = 5

/**
 * For clouds and functions of one's own: JSON signed as Standard Webhooks 1.0.0 says, by HMAC-SHA256 over
 * `id.timestamp.body`. One message, or `messages` with many:
 * `{"device": "…", "fields": {…}, "time": …, "id": "…"}`, with `hex`, `base64` or `text` in place of `fields` for bytes.
 */
const signedJson: PushForm = {
  name: 'signed-json',
  settings,
  methods: ['POST'],
  hasSecretPath: false,
  onUnreadable: 'refused',
  open(given, secret): OpenForm {
    const { key: reference } = given as Static<typeof settings> // checked by the schema
    const key = keyOf(reference, secret(reference))
    return {
      admit: ({ header }, now) => (isHead(header) ? timely(header('webhook-timestamp'), now) : wantsHeaders),
      verify: (request) => verdict(request, key),
      read: (request) => ({ is: 'messages', said: saidIn(readBody(request.body), request) }),
      reply: (outcome) => ({ ...outcome }),
    }
  },
}
export default signedJson

const wantsHeaders = refused('wanted the headers webhook-id, webhook-timestamp and webhook-signature')

function isHead(header: PushRequest['header']): boolean {
  return (
    /^[\x21-\x7e]{1,128}$/.test(header('webhook-id') ?? '') &&
    /^\d{9,11}$/.test(header('webhook-timestamp') ?? '') &&
    header('webhook-signature') !== undefined
  )
}

function timely(timestamp: string | undefined, now: Instant): Verdict {
  return Math.abs(Number(timestamp) * 1000 - now) <= WINDOW_MS
    ? ok
    : refused(`signed at another time than now: ${timestamp ?? ''}; are both clocks right?`)
}

/** Several signatures stand side by side while a key is changed. */
function verdict({ header, body }: PushRequest, key: Buffer): Verdict {
  const wanted = createHmac('sha256', key)
    .update(`${header('webhook-id') ?? ''}.${header('webhook-timestamp') ?? ''}.`)
    .update(body)
    .digest()
  const given = (header('webhook-signature') ?? '').split(' ').slice(0, MOST_SIGNATURES)
  const holds = given.some((one) => {
    const bytes = one.startsWith('v1,') ? Buffer.from(one.slice('v1,'.length), 'base64') : Buffer.alloc(0)
    return bytes.length === wanted.length && timingSafeEqual(bytes, wanted)
  })
  return holds ? ok : refused('wrong signature')
}

function keyOf(reference: string, text: string): Buffer {
  const base64 = text.replace(/^whsec_/, '')
  const key = Buffer.from(base64, 'base64')
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || key.length < LEAST_KEY_BYTES)
    throw new GanglionError(
      'config-invalid',
      `${reference}: wanted base64 of at least ${LEAST_KEY_BYTES} bytes, with or without whsec_ before it`,
    )
  return key
}

function saidIn(push: Fields, { header }: PushRequest): readonly PushSaid[] {
  const many = Object.hasOwn(push, 'messages')
  return listOf(many ? push['messages'] : push).map((one, index) =>
    said(one, `${header('webhook-id') ?? ''}${many ? ` ${index}` : ''}`),
  )
}

function said(message: unknown, ownId: string): PushSaid {
  if (!isObject(message)) return wrong('a message that is no object')
  const own = (key: string): unknown => (Object.hasOwn(message, key) ? message[key] : undefined)
  const names = namesOf(own('device'))
  if (names.length === 0) return wrong('wanted "device": a text of 1 to 128 characters')
  const payload = payloadOf(own)
  if (payload === undefined) return wrong('wanted one of "fields", "hex", "base64", "text"')
  const time = parseTime(own('time'))
  if (own('time') !== undefined && time === undefined)
    return wrong('"time": wanted RFC 3339 with a zone, or milliseconds')
  return {
    is: 'message',
    names,
    payload,
    messageId: nameOf(own('id')) ?? ownId,
    ...(time !== undefined && { time }),
  }
}

/** A function, so that `__proto__` lends nothing. */
function payloadOf(own: (key: string) => unknown): Fields | Buffer | undefined {
  const [fields, hex, base64, text] = ['fields', 'hex', 'base64', 'text'].map(own)
  if ([fields, hex, base64, text].filter((value) => value !== undefined).length !== 1) return undefined
  if (isObject(fields)) return fields
  if (typeof hex === 'string' && /^([0-9A-Fa-f]{2})+$/.test(hex)) return Buffer.from(hex, 'hex')
  if (typeof base64 === 'string' && /^[A-Za-z0-9+/]+={0,2}$/.test(base64))
    return Buffer.from(base64, 'base64')
  return typeof text === 'string' && text !== '' ? Buffer.from(text, 'utf8') : undefined
}

const wrong = (text: string): PushSaid => ({ is: 'wrong', reason: `signed-json: ${text}` })
