import { Type, type Static } from 'typebox'
import type { Clock } from '../../base/clock.ts'
import { mapShape } from '../../wire/frame-cutter.ts'
import { gbInstant, toGbTime, type GbTime } from '../../wire/gb26875-time.ts'
import { encodeGbUnit } from '../../wire/gb26875-units.ts'
import {
  encodeGb26875,
  gbCommands,
  gbReply,
  gbShape,
  LARGEST_GB_ADDRESS,
  type GbFrame,
} from '../../wire/gb26875.ts'
import { decodeGb26875, type GbSaid, type GbSubject } from '../codecs/gb26875.ts'
import type { TcpEvent, TcpProtocol, TcpSaid } from './protocol.ts'

const closed = { additionalProperties: false } as const
const Half = Type.Integer({ minimum: 0, maximum: 65_535 })

const GbAddress = Type.Object(
  {
    source: Type.Integer({
      minimum: 0,
      maximum: LARGEST_GB_ADDRESS,
      description: 'address of the transmission device (用传), the six bytes as one number, low byte first',
    }),
    system: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 255,
        description: 'a system (fire panel, 系统地址) behind it; 1 by default for a component',
      }),
    ),
    component: Type.Optional(
      Type.Object(
        { zone: Half, point: Half },
        { ...closed, description: 'a detector: 区号 and 位号 as the panel prints them' },
      ),
    ),
  },
  closed,
)
type GbAddress = Static<typeof GbAddress>

const USUAL_SYSTEM = 1
/** A transmission device whose clock is further off is set right. */
const CLOCK_TOLERANCE_MS = 60_000
/** Not again before: one that cannot be set would hear it with every frame. */
const SYNC_EVERY_MS = 3_600_000
/** A box with an earlier time has none itself. */
const EARLIEST_TIME = Date.UTC(2026, 0, 1)

/** GB/T 26875.3-2011, the centre's side: user information transmission devices (用户信息传输装置) dial in. */
export const gb26875: TcpProtocol = {
  name: 'gb26875',
  key: 'gb26875',
  schema: GbAddress,
  addressOf(value) {
    const { source, system, component } = value as GbAddress // checked by the schema
    const of: GbSubject = {
      ...(system !== undefined && { system }),
      ...(component && { component, system: system ?? USUAL_SYSTEM }),
    }
    return { speaker: addressText(source, {}), address: addressText(source, of) }
  },
  open(clock) {
    const clockSetter = syncOf(clock)
    return mapShape(gbShape, (event): TcpEvent => {
      if (event.kind === 'frame') return toEvent(event, clock, clockSetter)
      const { header, reason } = event
      return {
        kind: 'refused',
        speaker: addressText(header.source, {}),
        reason: `denied serial ${header.serial}: wrong ${reason}`,
        answer: encodeGb26875(gbReply(header, 'deny', toGbTime(clock.now()))),
      }
    })
  },
}

function toEvent(frame: GbFrame, clock: Clock, sync: (frame: GbFrame) => Uint8Array | undefined): TcpEvent {
  const { command, serial, source } = frame
  const speaker = addressText(source, {})
  const reply = (is: 'confirm' | 'deny'): Uint8Array =>
    encodeGb26875(gbReply(frame, is, toGbTime(clock.now())))
  const alive: TcpEvent = { kind: 'message', speaker, said: [{ address: speaker, fields: {} }] }
  switch (command) {
    case gbCommands.confirm:
      return alive
    case gbCommands.deny:
      return { ...alive, complaint: `it denied our message ${serial}` }
    case gbCommands.send:
    case gbCommands.answer: {
      const { said, complaint, isWrong } = decodeGb26875(frame.data)
      if (isWrong)
        return {
          kind: 'refused',
          speaker,
          reason: `denied serial ${serial}: ${complaint ?? ''}`,
          answer: reply('deny'),
        }
      const set = sync(frame)
      return {
        kind: 'message',
        speaker,
        said: said.flatMap((one, index) => toSaid(frame, one, index)),
        // An answer to our own request is not confirmed (6.4).
        ...(command === gbCommands.send && {
          answer: set ? Buffer.concat([reply('confirm'), set]) : reply('confirm'),
        }),
        ...(complaint !== undefined && { complaint }),
      }
    }
    default:
      return {
        kind: 'refused',
        speaker,
        reason: `denied serial ${serial}: command ${command}`,
        answer: reply('deny'),
      }
  }
}

/**
 * The same serial of the same source with the same content is a retry. A device that restarts begins at 0
 * again, so the serial alone would take a new fire for an old one.
 */
function toSaid(frame: GbFrame, said: GbSaid, index: number): TcpSaid[] {
  const { source, serial, data } = frame
  const { of, fields, time } = said
  const own = {
    messageId: `${serial} ${data[0] ?? 0}.${index} ${time ?? ''}`,
    ...(time !== undefined && { time }),
  }
  const address = addressText(source, of)
  const isEmpty = Object.keys(fields).length === 0
  const reset: TcpSaid[] = said.resets ? [{ address, reach: 'below', fields: { fire: false }, ...own }] : []
  if (isEmpty) return [{ address: addressText(source, {}), fields }, ...reset]
  return [
    {
      address,
      fields,
      ...own,
      called: `via: { tcp: { gb26875: ${siteFileText(source, of)} } }${said.called === undefined ? '' : `, ${said.called}`}`,
      ...(fields['fire'] === true && { instead: ofOwner(source, of, own) }),
    },
    ...reset,
  ]
}

/** A fire of what is in no site file is its panel's, and at last the transmission device's. */
function ofOwner(source: number, of: GbSubject, own: Pick<TcpSaid, 'messageId' | 'time'>): TcpSaid {
  const fire = { fields: { fire: true }, ...own }
  const device: TcpSaid = { address: addressText(source, {}), ...fire }
  if (of.system === undefined || !of.component) return device
  return { address: addressText(source, { system: of.system }), ...fire, instead: device }
}

/** `gb26875/889/1/10-2`, each level below the one before it. */
function addressText(source: number, { system, component }: GbSubject): string {
  const device = `gb26875/${source}`
  if (system === undefined) return device
  return component ? `${device}/${system}/${component.zone}-${component.point}` : `${device}/${system}`
}

function siteFileText(source: number, { system, component }: GbSubject): string {
  const parts = [
    `source: ${source}`,
    ...(system === undefined ? [] : [`system: ${system}`]),
    ...(component ? [`component: { zone: ${component.zone}, point: ${component.point} }`] : []),
  ]
  return `{ ${parts.join(', ')} }`
}

/** The frame that sets the peer's clock (type 90), where it needs one now. */
function syncOf(clock: Clock): (frame: GbFrame) => Uint8Array | undefined {
  let serial = 0
  let sentAt: number | undefined
  return (frame) => {
    const now = clock.now()
    if (now < EARLIEST_TIME || !isOff(frame.time, now)) return undefined
    if (sentAt !== undefined && clock.ticks() - sentAt < SYNC_EVERY_MS) return undefined
    sentAt = clock.ticks()
    const time = toGbTime(now)
    return encodeGb26875({
      ...gbReply(frame, 'confirm', time),
      serial: serial++ & 0xffff,
      command: gbCommands.control,
      data: encodeGbUnit({ type: 90, objects: [{ time }] }),
    })
  }
}

const isOff = (time: GbTime, now: number): boolean =>
  Math.abs((gbInstant(time) ?? -Infinity) - now) > CLOCK_TOLERANCE_MS
