import { createDecipheriv } from 'node:crypto'
import { GanglionError } from '../../base/errors.ts'
import { isObject, listOf, member, nameOf, namesOf, readBody, timeOf } from '../push/body.ts'
import type { PushSaid } from '../push/form.ts'
import { merged } from '../push/merged.ts'
import { onenetForm } from '../push/onenet-form.ts'
import { rawMember } from '../push/raw-member.ts'

/**
 * 中国移动 OneNET, the old multi-protocol and NB-IoT suite. The signature holds over the text of `msg` as it was sent, so
 * that is cut out of the body and is what is read. With a key only encrypted pushes are taken.
 */
export default onenetForm({
  name: 'onenet',
  wanted: 'wanted a JSON object with msg, once',
  aesKey,
  signedIn(push, body, isEncrypted) {
    const msg = isEncrypted ? member(push, 'enc_msg') : rawMember(body.toString('utf8'), 'msg')
    if (typeof msg !== 'string') return undefined
    return { nonce: push['nonce'], msg, signature: push['msg_signature'] }
  },
  decipher,
  said: saidIn,
})

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
function decipher(bytes: Buffer, key: Buffer): Buffer | undefined {
  const cipher = createDecipheriv('aes-256-cbc', key, key.subarray(0, 16))
  const plain = Buffer.concat([cipher.update(bytes), cipher.final()])
  const from = RANDOM_BYTES + LENGTH_BYTES
  const length = plain.length < from ? -1 : plain.readUInt32BE(RANDOM_BYTES)
  const message = plain.subarray(from, from + length)
  return length >= 0 && message.length === length ? message : undefined
}
