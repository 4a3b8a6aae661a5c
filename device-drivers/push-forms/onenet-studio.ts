import { createDecipheriv, hash } from 'node:crypto'
import { GanglionError } from '../../base/errors.ts'
import type { Instant } from '../../base/clock.ts'
import type { Fields } from '../../gateway/ports.ts'
import { isObject, listOf, member, nameOf, namesOf, readBody, timeOf, unreadable } from '../push/body.ts'
import type { PushSaid } from '../push/form.ts'
import { merged } from '../push/merged.ts'
import { onenetForm } from '../push/onenet-form.ts'

/**
 * 中国移动 OneNET Studio. `msg` is a text, and the signature holds over it; in secure mode over the encrypted text.
 */
export default onenetForm({
  name: 'onenet-studio',
  wanted: 'wanted a JSON object with msg as text',
  aesKey,
  signedIn(push) {
    const msg = push['msg']
    if (typeof msg !== 'string') return undefined
    return { nonce: push['nonce'], msg, signature: push['signature'], id: nameOf(push['id']) }
  },
  decipher,
  said: (text, signed) => saidIn(readBody(Buffer.from(text, 'utf8')), text, signed?.id),
})

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
function decipher(bytes: Buffer, key: Buffer): Buffer {
  const cipher = createDecipheriv('aes-128-cbc', key, key)
  return Buffer.concat([cipher.update(bytes), cipher.final()])
}
