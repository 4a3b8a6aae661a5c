import { hash } from 'node:crypto'
import type { Fields } from '../../gateway/ports.ts'
import { isObject, listOf, member, nameOf, namesOf, readBody, timeOf, unreadable } from '../push/body.ts'
import type { PushForm, PushSaid } from '../push/form.ts'
import { secretPath, SecretPathSettings } from '../push/secret-path.ts'

/**
 * 中国电信 CTWing (AEP), subscription push. Nothing is signed: the path is the credential. Numbers come as text and the
 * other way round, names in any case, and "undefined" where there is no value.
 */
const ctwing: PushForm = {
  name: 'ctwing',
  settings: SecretPathSettings,
  methods: ['POST'],
  hasSecretPath: true,
  // Tried three times at most; a hundred refusals in a row stop all messages for a minute.
  onUnreadable: 'taken',
  open(settings, secret) {
    const admit = secretPath(settings as SecretPathSettings, secret) // checked by the schema
    return {
      admit,
      read: ({ body }) => ({ is: 'messages', said: saidIn(readBody(unescaped(body))) }),
    }
  },
}
export default ctwing

/** Some subscriptions send the whole body URL-encoded. */
function unescaped(body: Buffer): Buffer {
  if (!/^\s*%(7[Bb]|5[Bb])/.test(body.subarray(0, 20).toString('latin1'))) return body
  try {
    return Buffer.from(decodeURIComponent(body.toString('latin1').trim().replaceAll('+', ' ')), 'utf8')
  } catch {
    throw unreadable('wanted a URL-encoded body; its escapes are broken')
  }
}

function saidIn(push: Fields): readonly PushSaid[] {
  const type = nameOf(member(push, 'messageType'))
  switch (type?.toLowerCase()) {
    case 'datareport':
    case 'datareporttupunion':
      return listOf(member(push, 'payload')).map((payload) => message(push, payload))
    case 'eventreport':
      return listOf(member(push, 'eventContent')).map((content) => message(push, content))
    case 'deviceonlineofflinereport':
      return [presence(push)]
    case 'commandresponse':
      return [{ is: 'ignored' }]
    default:
      throw unreadable(`wanted a messageType of CTWing; got ${JSON.stringify(type ?? null).slice(0, 60)}`)
  }
}

function message(push: Fields, payload: unknown): PushSaid {
  if (!isObject(payload)) return { is: 'wrong', reason: 'ctwing: a payload that is no object' }
  const inner = member(payload, 'serviceData')
  const values = isObject(inner) ? inner : payload
  const names = namesOf(member(push, 'deviceId'), member(push, 'IMEI'), member(values, 'IMEI'))
  if (names.length === 0) return { is: 'wrong', reason: 'ctwing: a message without deviceId and IMEI' }
  const time = timeOf(member(push, 'timestamp'))
  const said = payloadOf(values)
  return {
    is: 'message',
    names,
    payload: said,
    // upPacketSN is -1 or empty: the platform's time and the content are what tells two messages apart.
    ...(time !== undefined && { time, messageId: idOf(push, time, said) }),
  }
}

/** 透传: what the device sent stands in APPdata, as base64. */
function payloadOf(values: Fields): Fields | Buffer {
  const appData = member(values, 'APPdata')
  if (typeof appData !== 'string') return values
  const isBase64 = /^[A-Za-z0-9+/]*={0,2}$/.test(appData) && appData.length % 4 === 0
  return Buffer.from(appData, isBase64 ? 'base64' : 'utf8')
}

function idOf(push: Fields, time: number, said: Fields | Buffer): string {
  const content = Buffer.isBuffer(said) ? said : JSON.stringify(said)
  const own = [member(push, 'productId'), member(push, 'messageType'), time].map(String)
  return [...own, hash('sha256', content, 'hex').slice(0, 16)].join(' ').slice(0, 128)
}

/** eventType 1 online, 0 offline; the IMEI is not told. */
function presence(push: Fields): PushSaid {
  const names = namesOf(member(push, 'deviceId'), member(push, 'IMEI'))
  const kind = nameOf(member(push, 'eventType'))
  if (names.length === 0 || (kind !== '0' && kind !== '1'))
    return { is: 'wrong', reason: 'ctwing: wanted a deviceId and an eventType of 0 or 1' }
  return { is: 'presence', names, online: kind === '1' }
}
