import { createDecipheriv, hash } from 'node:crypto'
import { isUtf8 } from 'node:buffer'
import { Type, type Static } from 'typebox'
import { GanglionError } from '../../base/errors.ts'
import type { Instant } from '../../base/clock.ts'
import type { Fields } from '../../gateway/ports.ts'
import { SecretRef } from '../../gateway/words.ts'
import { isObject, listOf, member, nameOf, namesOf, readBody, timeOf, unreadable } from '../push/body.ts'
import { ok, refused, type OpenForm, type PushForm, type PushRequest, type PushSaid } from '../push/form.ts'
import { merged } from '../push/merged.ts'
import { onenetCheck, onenetEcho, onenetVerdict, type OnenetSigned } from '../push/onenet-signature.ts'

const settings = Type.Object(
  {
    token: SecretRef,
    key: Type.Optional(SecretRef),
  },
  { additionalProperties: false },
)

/**
 * 中国移动 OneNET Studio. `msg` is a text, and the signature holds over it; in secure mode over the encrypted text. A push
 * that is not answered within 5 s comes again for 2 h 45 min.
 */
const onenetStudio: PushForm = {
  name: 'onenet-studio',
  settings,
  methods: ['GET', 'POST'],
  hasSecretPath: false,
  repeatsFor: 4 * 3_600_000,
  onUnreadable: 'taken',
  open(given, secret): OpenForm {
    const { token: tokenRef, key: keyRef } = given as Static<typeof settings> // checked by the schema
    const token = secret(tokenRef)
    const key = keyRef === undefined ? undefined : aesKey(keyRef, secret(keyRef))
    return {
      admit: (head) => (head.method === 'GET' ? onenetVerdict(token, onenetCheck(head)) : ok),
      verify(request) {
        if (request.method === 'GET') return ok
        const signed = signedOf(request)
        return signed ? onenetVerdict(token, signed) : refused('wanted a JSON object with msg as text')
      },
      read(request) {
        if (request.method === 'GET') return onenetEcho(request)
        const { msg = '', id } = signedOf(request) ?? {}
        const text = key ? decrypted(msg, key) : msg
        return { is: 'messages', said: saidIn(readBody(Buffer.from(text, 'utf8')), text, id) }
      },
    }
  },
}
export default onenetStudio

/** Undefined for what is no JSON: then nothing says who sent it. */
function signedOf({
  body,
}: PushRequest): (OnenetSigned & { readonly msg: string; readonly id: string | undefined }) | undefined {
  let push: Fields
  try {
    push = readBody(body)
  } catch {
    return undefined
  }
  const msg = push['msg']
  if (typeof msg !== 'string') return undefined
  return { nonce: push['nonce'], msg, signature: push['signature'], id: nameOf(push['id']) }
}

function saidIn(msg: Fields, text: string, id: string | undefined): readonly PushSaid[] {
  const names = namesOf(
    member(msg, 'imei'),
    member(msg, 'deviceName'),
    member(msg, 'dev_name'),
    member(msg, 'deviceId'),
  )
  if (names.length === 0) throw unreadable('wanted a deviceName or an imei')
  const data = member(msg, 'data')
  switch (nameOf(member(msg, 'messageType'))) {
    case 'notify': {
      const params = member(data, 'params')
      const kind = nameOf(member(msg, 'notifyType'))
      if ((kind !== 'property' && kind !== 'event') || !isObject(params))
        return [{ is: 'wrong', reason: 'onenet-studio: wanted params of a property or an event' }]
      return merged(
        listOf(Object.entries(params)).map((entry) =>
          paramSaid(names, entry as [string, unknown], { text, id }),
        ), // entries, by the line before
      ).toSorted(byTime)
    }
    case 'lifeCycle': {
      const status = nameOf(member(data, 'status'))
      return status === 'online' || status === 'offline'
        ? [{ is: 'presence', names, online: status === 'online' }]
        : [{ is: 'wrong', reason: 'onenet-studio: wanted a status of online or offline' }]
    }
    default:
      // reply, sceneLog, lbsAndWifi
      return [{ is: 'ignored' }]
  }
}

/** Each value has a time of its own; a push may hold some of a device's values only. */
function paramSaid(
  names: readonly string[],
  [key, param]: readonly [string, unknown],
  { text, id }: { readonly text: string; readonly id: string | undefined },
): PushSaid {
  const hasValue = isObject(param) && Object.hasOwn(param, 'value')
  const time = hasValue ? timeOf(param['time']) : undefined
  // The push's id is not signed: whoever overheard a push could send it again under another one.
  const messageId = time === undefined ? id : `msg ${hash('sha256', text, 'hex').slice(0, 32)}`
  return {
    is: 'message',
    names,
    payload: Object.fromEntries([[key, hasValue ? param['value'] : param]]),
    ...(messageId !== undefined && { messageId }),
    ...(time !== undefined && { time }),
  }
}

const timeIn = (said: PushSaid): Instant | 0 => (said.is === 'message' ? (said.time ?? 0) : 0)
const byTime = (a: PushSaid, b: PushSaid): number => timeIn(a) - timeIn(b)

function aesKey(reference: string, text: string): Buffer {
  const key = Buffer.from(text, 'utf8')
  if (key.length !== 16) throw new GanglionError('config-invalid', `${reference}: wanted 16 characters`)
  return key
}

/** AES-128-CBC; the vector is the key. */
function decrypted(text: string, key: Buffer): string {
  try {
    const decipher = createDecipheriv('aes-128-cbc', key, key)
    const plain = Buffer.concat([decipher.update(Buffer.from(text, 'base64')), decipher.final()])
    if (isUtf8(plain)) return plain.toString('utf8')
  } catch {
    // told below: what a cipher complains of says nothing to a reader
  }
  throw unreadable('wanted a message encrypted with the key of this push')
}
