import { GanglionError } from '../base/errors.ts'
import type { Fields } from '../gateway/ports.ts'
import type { Example, Profile } from '../gateway/profile.ts'
import { decodeItemReply, Dlt645Parser } from '../wire/dlt645.ts'
import { DnyParser } from '../wire/dny.ts'
import { GbParser } from '../wire/gb26875.ts'
import { JuyParser } from '../wire/juy.ts'
import { decodeReply, decodeRequest, decodeRtu } from '../wire/modbus.ts'
import { mqttCodec } from './codecs/by-name.ts'
import { decodeItem, itemParts } from './codecs/dlt645.ts'
import { decodeDny } from './codecs/dny.ts'
import { decodeGb26875 } from './codecs/gb26875.ts'
import { decodeJuy } from './codecs/juy.ts'
import { decodeRegisters, partOf } from './codecs/modbus.ts'

/** What of an example comes over the wire. */
export interface ExampleBytes {
  readonly bytes: Uint8Array
  /** The levels below the base topic. */
  readonly topic: readonly string[]
}

/** From the bytes of an example to fields. @throws GanglionError `frame-invalid` or `payload-invalid` */
export type FieldsOf = (example: ExampleBytes) => Fields

/** Codecs of frames; the others read payloads and are found by their file's name. */
export const frameCodecs = ['modbus', 'dlt645', 'dny', 'juy', 'gb26875', 'rtsp'] as const

/** Where a device of its own account and a pushed one speak. */
const OWN_TOPIC = 'up'
/** A request to read in Modbus RTU; the reply stands behind it. */
const REQUEST_BYTES = 8
const NO_FRAME = 'wanted a whole frame whose length and sum are right'

export function bytesOf({ payload, hex, text, topic }: Example): ExampleBytes {
  return {
    topic: (topic ?? OWN_TOPIC).split('/'),
    bytes:
      hex !== undefined
        ? Buffer.from(hex.replaceAll(' ', ''), 'hex')
        : Buffer.from(text ?? JSON.stringify(payload ?? null), 'utf8'),
  }
}

/**
 * The codec of a profile, as the running gateway uses it.
 * @throws GanglionError `config-invalid` when there is none of that name
 */
export async function fieldsOf(profile: Profile): Promise<FieldsOf> {
  switch (profile.codec) {
    case 'modbus':
      return ({ bytes }) => registersOf(profile, bytes)
    case 'dlt645':
      return ({ bytes }) => itemsOf(profile, bytes)
    case 'dny':
      return ({ bytes }) => decodeDny(frameOf(new DnyParser().push(Buffer.from(bytes)))).fields
    case 'juy':
      return ({ bytes }) => decodeJuy(frameOf(new JuyParser().push(Buffer.from(bytes)))).fields
    case 'gb26875':
      return ({ bytes }) => panelFields(frameOf(new GbParser().push(Buffer.from(bytes))).data)
    // What a camera says is no payload.
    case 'rtsp':
      return () => ({})
    default:
      return payloadFields(await mqttCodec(profile.codec))
  }
}

const payloadFields =
  (codec: Awaited<ReturnType<typeof mqttCodec>>): FieldsOf =>
  ({ topic, bytes }) => {
    const decoded = codec.decode(topic, bytes)
    return decoded.is === 'message' ? decoded.fields : {}
  }

/** All that a frame says, of whichever component: an example is of devices of one profile. */
const panelFields = (data: Uint8Array): Fields =>
  Object.assign({}, ...decodeGb26875(data).said.map(({ fields }) => fields)) as Fields // fields, merged

function frameOf<Event extends { readonly kind: string }>(
  events: readonly Event[],
): Extract<Event, { readonly kind: 'frame' }> {
  const frame = events.find(
    (event): event is Extract<Event, { readonly kind: 'frame' }> => event.kind === 'frame',
  )
  if (frame) return frame
  throw new GanglionError('frame-invalid', NO_FRAME)
}

/** A request and the reply to it, as they stand on a serial line. */
function registersOf(profile: Profile, bytes: Uint8Array): Fields {
  const asked = decodeRtu(bytes.subarray(0, REQUEST_BYTES))
  const told = decodeRtu(bytes.subarray(REQUEST_BYTES))
  const request = asked && decodeRequest(asked.pdu)
  if (!asked || !told || request?.is !== 'read' || told.unit !== asked.unit)
    throw new GanglionError('frame-invalid', 'wanted a request to read of 8 bytes and the reply of that unit')
  const reply = decodeReply(told.pdu, request.request)
  if (reply.is !== 'data') throw new GanglionError('frame-invalid', 'the reply is none to this request')
  const fields: Record<string, unknown> = {}
  decodeRegisters(partOf(profile.points, request.request), reply.data, fields)
  return fields
}

/** A meter's replies, one behind the other. */
function itemsOf(profile: Profile, bytes: Uint8Array): Fields {
  const fields: Record<string, unknown> = {}
  const frames = new Dlt645Parser().push(Buffer.from(bytes)).filter((event) => event.kind === 'frame')
  if (frames.length === 0) throw new GanglionError('frame-invalid', NO_FRAME)
  for (const event of frames) {
    const item = Buffer.from(event.data.subarray(0, 4)).reverse().toString('hex').toUpperCase()
    const part = itemParts(profile).find((one) => one.item === item)
    const reply = decodeItemReply(event, { address: event.address, item })
    if (!part || reply.is !== 'data')
      throw new GanglionError('frame-invalid', `no point reads the item ${item}, or the meter refuses it`)
    decodeItem(part, reply.data, fields)
  }
  return fields
}
