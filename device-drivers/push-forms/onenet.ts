import { createDecipheriv } from 'node:crypto'
import { isUtf8 } from 'node:buffer'
import { Type, type Static } from 'typebox'
import { GanglionError } from '../../base/errors.ts'
import type { Fields } from '../../gateway/ports.ts'
import { SecretRef } from '../../gateway/words.ts'
import { isObject, listOf, member, nameOf, namesOf, readBody, timeOf, unreadable } from '../push/body.ts'
import { ok, refused, type OpenForm, type PushForm, type PushRequest, type PushSaid } from '../push/form.ts'
import { merged } from '../push/merged.ts'
import { onenetCheck, onenetEcho, onenetVerdict, type OnenetSigned } from '../push/onenet-signature.ts'
import { rawMember } from '../push/raw-member.ts'

const settings = Type.Object(
  {
    token: SecretRef,
    key: Type.Optional(SecretRef),
  },
  { additionalProperties: false },
)

/**
 * 中国移动 OneNET, the old multi-protocol and NB-IoT suite. The signature holds over the text of `msg` as it was sent, so
 * that is cut out of the body and is what is read. With a key only encrypted pushes are taken.
 */
const onenet: PushForm = {
  name: 'onenet',
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
        const signed = signedOf(request, key !== undefined)
        return signed ? onenetVerdict(token, signed) : refused('wanted a JSON object with msg, once')
      },
      read(request) {
        if (request.method === 'GET') return onenetEcho(request)
        const { msg = '' } = signedOf(request, key !== undefined) ?? {}
        return { is: 'messages', said: saidIn(key ? decrypted(msg, key) : msg) }
      },
    }
  },
}
export default onenet

/** Undefined for what is no JSON: then nothing says who sent it. */
function signedOf({ body }: PushRequest, isEncrypted: boolean): OnenetSigned | undefined {
  let push: Fields
  try {
    push = readBody(body)
  } catch {
    return undefined
  }
  const msg = isEncrypted ? member(push, 'enc_msg') : rawMember(body.toString('utf8'), 'msg')
  if (typeof msg !== 'string') return undefined
  return { nonce: push['nonce'], msg, signature: push['msg_signature'] }
}

/** One point or many of them. */
function saidIn(msg: string): readonly PushSaid[] {
  // Bounded once more: what is verified is the text, and the text is what is read.
  const { msg: points } = readBody(Buffer.from(`{"msg":${msg}}`, 'utf8'))
  return merged(listOf(points).map(pointSaid))
}

/** type 1 a value, 2 online or offline, 7 what became of a command. */
function pointSaid(point: unknown): PushSaid {
  if (!isObject(point)) return { is: 'wrong', reason: 'onenet: a message that is no object' }
  const names = namesOf(
    member(point, 'imei'),
    member(point, 'dev_id'),
    member(point, 'dev_name'),
    member(point, 'deviceName'),
  )
  if (names.length === 0) return { is: 'wrong', reason: 'onenet: a message without imei and dev_id' }
  switch (nameOf(member(point, 'type'))) {
    case '1': {
      const stream = nameOf(member(point, 'ds_id'))
      if (stream === undefined) return { is: 'wrong', reason: 'onenet: a value without ds_id' }
      const time = timeOf(member(point, 'at'))
      return {
        is: 'message',
        names,
        payload: Object.fromEntries([[stream, member(point, 'value')]]),
        ...(time !== undefined && { time, messageId: `at ${time}` }),
      }
    }
    case '2': {
      const status = nameOf(member(point, 'status'))
      return status === '0' || status === '1'
        ? { is: 'presence', names, online: status === '1' }
        : { is: 'wrong', reason: 'onenet: wanted a status of 0 or 1' }
    }
    case '7':
      return { is: 'ignored' }
    default:
      return { is: 'wrong', reason: 'onenet: wanted a type of 1, 2 or 7' }
  }
}

const RANDOM_BYTES = 16
const LENGTH_BYTES = 4

/** The console shows 43 letters of base64; the last = is left off. */
function aesKey(reference: string, text: string): Buffer {
  const key = Buffer.from(text, 'base64')
  if (key.length !== 32)
    throw new GanglionError('config-invalid', `${reference}: wanted 43 or 44 letters of base64`)
  return key
}

/** AES-256-CBC, the vector is the key's first half; inside: 16 bytes at random, the length, the message. */
function decrypted(text: string, key: Buffer): string {
  try {
    const decipher = createDecipheriv('aes-256-cbc', key, key.subarray(0, 16))
    const plain = Buffer.concat([decipher.update(Buffer.from(text, 'base64')), decipher.final()])
    const from = RANDOM_BYTES + LENGTH_BYTES
    const length = plain.length < from ? -1 : plain.readUInt32BE(RANDOM_BYTES)
    const message = plain.subarray(from, from + length)
    if (length >= 0 && message.length === length && isUtf8(message)) return message.toString('utf8')
  } catch {
    // told below: what a cipher complains of says nothing to a reader
  }
  throw unreadable('wanted a message encrypted with the key of this push')
}
