import { mqttCodec, mqttCodecNames } from '../../device-drivers/codecs/by-name.ts'
import { decodeItem, itemParts } from '../../device-drivers/codecs/dlt645.ts'
import { decodeDny } from '../../device-drivers/codecs/dny.ts'
import { decodeGb26875 } from '../../device-drivers/codecs/gb26875.ts'
import { decodeJuy } from '../../device-drivers/codecs/juy.ts'
import { decodeRegisters, readParts } from '../../device-drivers/codecs/modbus.ts'
import type { ExampleBytes } from '../../device-drivers/example-fields.ts'
import type { Random } from '../../simulator/random.ts'
import { decodeDnyCharge, decodeDnyChargeAnswer } from '../../wire/dny-orders.ts'
import { DnyParser } from '../../wire/dny.ts'
import { decodeGb18030 } from '../../wire/gb18030.ts'
import { GbParser } from '../../wire/gb26875.ts'
import { decodeJuyOrderAnswer } from '../../wire/juy-orders.ts'
import { imeiOf } from '../../wire/juy-payload.ts'
import { JuyParser } from '../../wire/juy.ts'
import { decodeReply, decodeRequest, decodeRtu } from '../../wire/modbus.ts'
import { decodeRtp, encodeRtp } from '../../wire/rtp.ts'
import { nalUnits } from '../../wire/rtp-h264.ts'
import type { Examples } from './examples.ts'
import { damaged, nearly, pick } from './mutate.ts'
import { payloadTarget, type Target } from './target.ts'

/** What a frame or a message says: bytes to fields. */
export async function payloadTargets(examples: Examples): Promise<readonly Target[]> {
  const names = [...(await mqttCodecNames())].sort()
  if (names.length < 7) throw new Error(`saw the codecs ${names.join(', ')} alone`)
  const ofMqtt = await Promise.all(
    names.map(async (name): Promise<Target> => {
      const codec = await mqttCodec(name)
      const given = examples.payloads(name)
      const more = morePayloads[name] ?? []
      const topics = [
        ...new Set([...given, ...more].map(({ topic }) => topic.join('/'))),
        'up',
        'x/y',
        '',
      ].map((topic) => topic.split('/'))
      const valid = [...given, ...more].map(({ bytes }) => bytes)
      return {
        name: `codec-${name}`,
        kind: 'payload',
        make: (random) => ({
          bytes: random.next() < 0.5 ? oddJson(random, valid) : nearly(random, valid),
          form: random.between(0, topics.length - 1),
        }),
        open: (form) => ({ push: (bytes) => void codec.decode(topics[form] ?? [], bytes) }),
      }
    }),
  )
  return [...ofMqtt, ...frameContents(examples), ...others]
}

const text = (topic: string, payload: string): ExampleBytes => ({
  topic: topic.split('/'),
  bytes: Buffer.from(payload),
})

/** Forms that no profile shows. */
const morePayloads: Readonly<Record<string, readonly ExampleBytes[]>> = {
  zigbee2mqtt: [
    text('bridge/state', '{"state":"online"}'),
    text(
      'bridge/devices',
      '[{"ieee_address":"0x1","friendly_name":"a","definition":{"vendor":"v","model":"m"}}]',
    ),
    text('hall/availability', 'online'),
  ],
  tasmota: [
    text('tele/plug/LWT', 'Online'),
    text('stat/plug/STATUS8', '{"StatusSNS":{"ENERGY":{"Power":1}}}'),
  ],
  chirpstack: [
    text(
      'application/1/device/24e124/event/log',
      '{"level":"ERROR","code":"UPLINK_CODEC","description":"x"}',
    ),
    text('application/1/device/24e124/event/status', '{"deviceInfo":{},"margin":7}'),
    text('application/1/device/24e124/event/join', '{"deviceInfo":{}}'),
  ],
}

const brackets = [
  '{"a":',
  '[',
  '{"__proto__":',
  '"\\ud800',
  '1e999',
  '{"a":{}},',
  '﻿',
  '"x"',
  ',',
  ':',
] as const

/** JSON whose parts were broken, doubled and nested, rather than its bytes. */
function oddJson(random: Random, valid: readonly Uint8Array[]): Uint8Array {
  const whole = Buffer.from(valid.length === 0 ? '{}' : pick(random, valid)).toString('utf8')
  const kind = random.next()
  if (kind < 0.1) return Buffer.from(pick(random, brackets).repeat(random.between(1, 400)))
  const parts = whole.split(/(?<=[{}[\],:])/)
  const at = random.between(0, Math.max(0, parts.length - 1))
  const odd = [
    'null',
    '-0',
    '1e400',
    '[]',
    '{}',
    '"\\u0000"',
    'true',
    '{"length":1}',
    '12345678901234567890',
  ] as const
  if (kind < 0.4) parts.splice(at, 1, pick(random, odd))
  else if (kind < 0.6) parts.splice(at, 0, parts[at] ?? '')
  else if (kind < 0.8) parts.splice(at, random.between(1, 3))
  else return Buffer.from(`{"a":${whole},"b":${JSON.stringify(whole)}}`)
  return Buffer.from(parts.join(''))
}

interface Content {
  readonly command: number
  readonly data: Uint8Array
}

/** What frames carry, with any command and any bytes: a right sum says nothing about them. */
function frameContents({ frames, profiles }: Examples): readonly Target[] {
  const dnyContents = contents(frames.dny.flatMap((bytes) => new DnyParser().push(bytes)))
  const juyContents = contents(frames.juy.flatMap((bytes) => new JuyParser().push(bytes)))
  const gbContents = contents(frames.gb26875.flatMap((bytes) => new GbParser().push(bytes)))
  const registers = profiles
    .filter(({ codec }) => codec === 'modbus')
    .flatMap((profile) => readParts(profile))
  const items = profiles.filter(({ codec }) => codec === 'dlt645').flatMap((profile) => itemParts(profile))
  return [
    ofCommands('codec-dny', dnyContents, (command, data) => {
      decodeDny({ command, data })
      decodeDnyCharge(data)
      decodeDnyChargeAnswer(data)
    }),
    ofCommands('codec-juy', juyContents, (command, data) => {
      decodeJuy({ command, data })
      decodeJuyOrderAnswer(command, data)
      imeiOf(data)
    }),
    ofCommands('codec-gb26875', gbContents, (_command, data) => void decodeGb26875(data)),
    {
      name: 'codec-modbus',
      kind: 'payload',
      make: (random) => ({
        bytes: random.bytes(random.between(0, 260)),
        form: random.between(0, registers.length - 1),
      }),
      open: (form) => ({
        push(bytes) {
          const part = registers[form]
          if (part) decodeRegisters(part, bytes, {})
        },
      }),
    },
    {
      name: 'codec-dlt645',
      kind: 'payload',
      make: (random) => ({
        bytes: random.bytes(random.between(0, 12)),
        form: random.between(0, items.length - 1),
      }),
      open: (form) => ({
        push(bytes) {
          const part = items[form]
          if (part) decodeItem(part, bytes, {})
        },
      }),
    },
  ]
}

const contents = (events: readonly { readonly kind: string }[]): readonly Content[] =>
  events.filter((event): event is { kind: 'frame' } & Content => event.kind === 'frame')

/** The command travels as the form. */
const ofCommands = (
  name: string,
  valid: readonly Content[],
  decode: (command: number, data: Uint8Array) => void,
): Target => ({
  name,
  kind: 'payload',
  make(random) {
    const { command, data } = pick(random, valid)
    const kind = random.next()
    const bytes =
      kind < 0.15 ? random.bytes(random.between(0, 250)) : kind < 0.3 ? data : damaged(data, random)
    return { bytes, form: random.next() < 0.7 ? command : random.between(0, 255) }
  },
  open: (form) => ({ push: (bytes) => decode(form, bytes) }),
})

const rtpPacket = encodeRtp({
  ...{ payloadType: 96, marker: true, sequence: 7, timestamp: 90_000, ssrc: 1 },
  payload: Buffer.from('000001674200280000000168ce3c8000000165888400', 'hex'),
})

const others: readonly Target[] = [
  payloadTarget(
    'modbus-pdu',
    (random) =>
      nearly(random, [Buffer.from('0300000004', 'hex'), Buffer.from('100007000306000100020003', 'hex')]),
    (bytes) => {
      decodeRequest(bytes)
      decodeRequest(bytes, 'any')
      decodeReply(bytes, { function: 3, address: 0, count: 4 })
      decodeReply(bytes, { function: 16, address: 7, words: [1, 2, 3] })
    },
  ),
  payloadTarget(
    'modbus-crc',
    (random) => nearly(random, [Buffer.from('010300000004440901040e08fd0d', 'hex')]),
    (bytes) => void decodeRtu(bytes),
  ),
  payloadTarget(
    'rtp',
    (random) => nearly(random, [rtpPacket]),
    (bytes) => void decodeRtp(bytes),
  ),
  payloadTarget(
    'h264-nal-units',
    (random) =>
      nearly(random, [
        rtpPacket.subarray(12),
        Buffer.from('00000001', 'hex'),
        Buffer.from('000003000001', 'hex'),
      ]),
    (bytes) => void nalUnits(bytes),
  ),
  payloadTarget(
    'gb18030',
    (random) => nearly(random, [Buffer.from('d2bba3b5815334b9a1', 'hex')]),
    (bytes) => void decodeGb18030(bytes),
  ),
]
