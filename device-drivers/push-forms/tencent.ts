import { hash } from 'node:crypto'
import { Type, type Static } from 'typebox'
import type { Instant } from '../../base/clock.ts'
import type { Fields } from '../../gateway/ports.ts'
import { SecretRef } from '../../gateway/words.ts'
import { isObject, member, nameOf, namesOf, readBody, timeOf, unreadable } from '../push/body.ts'
import {
  ok,
  refused,
  type OpenForm,
  type PushForm,
  type PushHead,
  type PushRequest,
  type PushSaid,
  type Verdict,
} from '../push/form.ts'
import { OnceOnly } from '../push/once-only.ts'
import { isSameText } from '../push/same-text.ts'

const settings = Type.Object({ token: SecretRef }, { additionalProperties: false })

const WINDOW_MS = 300_000

/**
 * 腾讯云 IoT, rule engine "forward to a third-party service". The signature holds over token, time and nonce and not over
 * the body: the time is bounded, and a nonce that came with one body is not taken with another.
 */
const tencent: PushForm = {
  name: 'tencent',
  settings,
  methods: ['GET', 'POST'],
  hasSecretPath: false,
  onUnreadable: 'taken',
  open(given, secret) {
    const { token } = given as Static<typeof settings> // checked by the schema
    return new Open(secret(token))
  },
}
export default tencent

class Open implements OpenForm {
  readonly #token: string
  readonly #once = new OnceOnly(2 * WINDOW_MS)

  constructor(token: string) {
    this.#token = token
  }

  admit(head: PushHead, now: Instant): Verdict {
    const timestamp = head.header('timestamp') ?? ''
    const nonce = head.header('nonce') ?? ''
    const signature = head.header('signature') ?? ''
    if (!/^\d{9,11}$/.test(timestamp) || nonce === '' || nonce.length > 128)
      return refused('wanted the headers Timestamp and Nonce')
    const signed = [this.#token, timestamp, nonce].sort(byCodeUnits).join('')
    if (!isSameText(signature.toLowerCase(), hash('sha1', signed, 'hex'))) return refused('wrong signature')
    if (Math.abs(Number(timestamp) * 1000 - now) > WINDOW_MS)
      return refused(`signed at another time than now: ${timestamp}; is the clock of this box right?`)
    return ok
  }

  verify(request: PushRequest, now: Instant): Verdict {
    if (request.method === 'GET') return ok
    const nonce = `${request.header('timestamp') ?? ''} ${request.header('nonce') ?? ''}`
    return this.#once.take(nonce, request.body, now) ? ok : refused('a nonce that came with another body')
  }

  read(request: PushRequest): ReturnType<OpenForm['read']> {
    if (request.method === 'GET') {
      const text = request.header('echostr') ?? ''
      if (!/^[\x21-\x7e]{1,256}$/.test(text)) throw unreadable('wanted the header Echostr')
      return { is: 'handshake', text }
    }
    return { is: 'messages', said: [saidIn(readBody(request.body))] }
  }
}

/** As `sort` of PHP and Go do. */
const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Which members there are is up to the rule; these are what `SELECT *` gives. */
function saidIn(push: Fields): PushSaid {
  const names = namesOf(member(push, 'deviceName'), member(push, 'device_name'), member(push, 'IMEI'))
  if (names.length === 0) throw unreadable('wanted devicename in what the rule forwards')
  const time = timeOf(member(push, 'timestamp')) ?? secondsOf(member(push, 'timestamp'))
  const payload = member(push, 'payload')
  const id = nameOf(member(push, 'seq')) ?? nameOf(member(payload, 'clientToken'))
  const known = {
    names,
    ...(id !== undefined && { messageId: `${id} ${time ?? ''}` }),
    ...(time !== undefined && { time }),
  }
  // JSON is handed on as it is, anything else as base64.
  if (typeof payload === 'string') return { is: 'message', payload: Buffer.from(payload, 'base64'), ...known }
  if (!isObject(payload)) {
    const status = nameOf(member(push, 'status'))?.toLowerCase()
    if (status === 'online' || status === 'offline')
      return { is: 'presence', names, online: status === 'online' }
    return { is: 'wrong', reason: 'tencent: wanted a payload' }
  }
  // 物模型: what the device reports stands in params, beside method and clientToken.
  const params = member(payload, 'params')
  return { is: 'message', payload: isObject(params) ? params : payload, ...known }
}

const secondsOf = (value: unknown): Instant | undefined =>
  Number.isSafeInteger(value) ? timeOf(Number(value) * 1000) : undefined
