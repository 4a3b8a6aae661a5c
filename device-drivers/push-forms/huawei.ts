import { instant, type Instant } from '../../base/clock.ts'
import type { Fields } from '../../gateway/ports.ts'
import { isObject, listOf, member, nameOf, namesOf, readBody, unreadable } from '../push/body.ts'
import type { PushForm, PushSaid } from '../push/form.ts'
import { merged } from '../push/merged.ts'
import { secretPath, SecretPathSettings } from '../push/secret-path.ts'

/**
 * 华为云 IoTDA, data forwarding over HTTP. What its token signs is not published: the path is the credential. Ten
 * failures in a row block the address for three minutes, so that one bad message is never answered as a failure.
 */
const huawei: PushForm = {
  name: 'huawei',
  settings: SecretPathSettings,
  methods: ['POST'],
  hasSecretPath: true,
  onUnreadable: 'taken',
  open(settings, secret) {
    const admit = secretPath(settings as SecretPathSettings, secret) // checked by the schema
    return { admit, read: ({ body }) => ({ is: 'messages', said: saidIn(readBody(body)) }) }
  },
}
export default huawei

function saidIn(push: Fields): readonly PushSaid[] {
  const kind = `${nameOf(push['resource']) ?? ''}/${nameOf(push['event']) ?? ''}`
  const data = push['notify_data']
  const header = member(data, 'header')
  // Their own example of a status has it beside notify_data.
  const body = member(data, 'body') ?? push['body']
  const names = namesOf(member(header, 'device_id'), member(header, 'node_id'))
  const known = { names, ...idOf(push) }
  switch (kind) {
    case 'device.property/report':
      return withNames(names, () =>
        merged(listOf(member(body, 'services')).map((service) => serviceSaid(service, push, known))),
      )
    case 'device.message/report':
      return withNames(names, () => [messageSaid(body, push, known)])
    case 'device.status/update':
      return withNames(names, () => [statusSaid(body, names)])
    default:
      if (!/^[a-z.]{3,60}\/[a-z.]{3,30}$/.test(kind)) throw unreadable('wanted a resource and an event')
      // device/create, product/create, what became of messages sent down
      return [{ is: 'ignored' }]
  }
}

function withNames(names: readonly string[], said: () => readonly PushSaid[]): readonly PushSaid[] {
  if (names.length === 0) throw unreadable('wanted notify_data.header.device_id')
  return said()
}

interface Known {
  readonly names: readonly string[]
  readonly messageId?: string
}

function serviceSaid(service: unknown, push: Fields, known: Known): PushSaid {
  const properties = member(service, 'properties')
  if (!isObject(properties)) return { is: 'wrong', reason: 'huawei: a service without properties' }
  const time = utcTime(member(service, 'event_time')) ?? pushTime(push)
  return { is: 'message', payload: properties, ...known, ...(time !== undefined && { time }) }
}

/** What the platform does not look into: an object, or a text. */
function messageSaid(body: unknown, push: Fields, known: Known): PushSaid {
  const content = member(body, 'content')
  const time = pushTime(push)
  if (!isObject(content) && typeof content !== 'string')
    return { is: 'wrong', reason: 'huawei: a message without content' }
  return {
    is: 'message',
    payload: typeof content === 'string' ? Buffer.from(content, 'utf8') : content,
    ...known,
    ...(time !== undefined && { time }),
  }
}

function statusSaid(body: unknown, names: readonly string[]): PushSaid {
  const status = nameOf(member(body, 'status'))
  if (status === undefined) return { is: 'wrong', reason: 'huawei: a status update without status' }
  return { is: 'presence', names, online: status.toUpperCase() === 'ONLINE' }
}

function idOf(push: Fields): { readonly messageId?: string } {
  const id = nameOf(push['request_id'])
  return id === undefined ? {} : { messageId: id }
}

const pushTime = (push: Fields): Instant | undefined =>
  utcTime(push['event_time_ms']) ?? utcTime(push['event_time'])

/** `20151212T121212Z` and `2015-12-12T12:12:12.000Z`: both are UTC. */
function utcTime(value: unknown): Instant | undefined {
  if (typeof value !== 'string' || value.length > 30) return undefined
  const short = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(value)
  const text = short ? `${short.slice(1, 4).join('-')}T${short.slice(4).join(':')}Z` : value
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(text)) return undefined
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? undefined : instant(ms)
}
