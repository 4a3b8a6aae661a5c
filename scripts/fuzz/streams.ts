import { systemClock } from '../../base/clock.ts'
import { ItemReplyParser } from '../../device-drivers/dlt645/item-reply.ts'
import { PacketGuard } from '../../device-drivers/mqtt/packet-guard.ts'
import { Sieve } from '../../device-drivers/mqtt/sieve.ts'
import { dny } from '../../device-drivers/tcp-protocols/dny.ts'
import { gb26875 } from '../../device-drivers/tcp-protocols/gb26875.ts'
import { juy } from '../../device-drivers/tcp-protocols/juy.ts'
import type { Random } from '../../simulator/random.ts'
import { Dlt645Parser, encodeDlt645, encodeReadItem, withWakeUp } from '../../wire/dlt645.ts'
import { DnyParser } from '../../wire/dny.ts'
import { FrameCutter } from '../../wire/frame-cutter.ts'
import { GbParser } from '../../wire/gb26875.ts'
import { JuyParser } from '../../wire/juy.ts'
import {
  encodeException,
  encodeMbap,
  encodeReadRequest,
  encodeRegistersReply,
  encodeRequest,
  encodeRtu,
  MbapParser,
  type ModbusRequest,
} from '../../wire/modbus.ts'
import { RtuReplyParser } from '../../wire/modbus-rtu.ts'
import { encodeRtp } from '../../wire/rtp.ts'
import { AccessUnits } from '../../wire/rtp-video.ts'
import { encodeInterleaved, encodeResponse, RtspReader } from '../../wire/rtsp.ts'
import type { Examples } from './examples.ts'
import { damaged, nearly, pick } from './mutate.ts'
import type { Parser, Target } from './target.ts'

/** All that cuts a stream into frames. */
export function streamTargets(examples: Examples): readonly Target[] {
  const noise = [
    Buffer.from('link'),
    Buffer.from('89860446102180123456'),
    Buffer.from('DNY@@\x5a\xa5', 'latin1'),
  ]
  const cutter = (
    name: string,
    valid: readonly Uint8Array[],
    mostHeld: number,
    open: () => CutterLike,
  ): Target => ({
    name,
    kind: 'stream',
    mostHeld,
    make: (random) => ({ bytes: nearly(random, [...valid, ...noise]), form: 0 }),
    open: () => ofCutter(open()),
  })
  const { dny: dnyFrames, juy: juyFrames, gb26875: gbFrames, dlt645: replies } = examples.frames
  const meters = [...replies, withWakeUp(encodeReadItem('000012345678', '02010100')), ...refusals]
  return [
    cutter('dny', dnyFrames, 2 * 256, () => new DnyParser()),
    cutter('juy', juyFrames, 2 * 1024, () => new JuyParser()),
    cutter('gb26875', gbFrames, 2 * 1054, () => new GbParser()),
    cutter('tcp-door', [...dnyFrames, ...juyFrames, ...gbFrames], 2 * 1054, () => {
      return new FrameCutter([dny, juy, gb26875].map((protocol) => protocol.open(systemClock)))
    }),
    cutter('dlt645', meters, 2 * 256, () => new Dlt645Parser()),
    {
      name: 'dlt645-reply',
      kind: 'stream',
      make: (random) => ({ bytes: nearly(random, meters), form: random.between(0, 1) }),
      open(form) {
        const item = form === 0 ? '02010100' : '00000000'
        const parser = new ItemReplyParser({ address: '000012345678', item })
        return { push: (chunk) => void parser.push(chunk), end: () => void parser.giveUp() }
      },
    },
    modbusTcp(),
    modbusRtu(),
    rtsp(),
    rtpVideo(),
    packetGuard(),
    sieve(),
  ]
}

interface CutterLike {
  push(chunk: Uint8Array): unknown
  giveUp(): unknown
  readonly waiting: number
}

const ofCutter = (cutter: CutterLike): Parser => ({
  push: (chunk) => void cutter.push(chunk),
  end: () => void cutter.giveUp(),
  held: () => cutter.waiting,
})

const refusals = [
  encodeDlt645({ address: '000012345678', control: 0xd1, data: Uint8Array.of(2) }),
  encodeDlt645({ address: '000012345678', control: 0x81, data: Uint8Array.of(1, 2) }),
]

const requests: readonly ModbusRequest[] = [
  { function: 3, address: 0, count: 4 },
  { function: 4, address: 256, count: 125 },
  { function: 1, address: 0, count: 9 },
  { function: 5, address: 1, value: 0xff00 },
  { function: 16, address: 7, words: [1, 2, 3] },
]

function replyTo(request: ModbusRequest, random: Random): Uint8Array {
  const kind = random.next()
  if (kind < 0.15) return encodeException(request.function, 2)
  if (kind < 0.2) return encodeReadRequest({ function: 3, address: 0, count: 4 })
  if (request.function === 3 || request.function === 4)
    return encodeRegistersReply(
      request.function,
      new Array<number>(request.count).fill(random.between(0, 65_535)),
    )
  if (request.function <= 2) return Buffer.from([request.function, 2, 0x55, 0x01])
  return encodeRequest(request).subarray(0, 5)
}

function modbusTcp(): Target {
  const frame = (random: Random): Uint8Array =>
    encodeMbap({
      transaction: random.between(0, 65_535),
      unit: 1,
      pdu: replyTo(pick(random, requests), random),
    })
  return {
    name: 'modbus-tcp',
    kind: 'stream',
    mostHeld: 260,
    make: (random) => ({ bytes: nearly(random, [frame(random), frame(random)]), form: 0 }),
    open() {
      // A broken stream is a connection that is closed: the next one begins anew.
      let parser = new MbapParser()
      return {
        push(chunk) {
          parser.push(chunk)
          if (parser.broken !== undefined) parser = new MbapParser()
        },
        held: () => parser.waiting,
      }
    },
  }
}

function modbusRtu(): Target {
  return {
    name: 'modbus-rtu',
    kind: 'stream',
    mostHeld: 512,
    make(random) {
      const form = random.between(0, requests.length - 1)
      const request = requests[form] ?? requests[0]
      if (!request) throw new Error('there are requests')
      const asked = encodeRtu(5, encodeRequest(request))
      const told = encodeRtu(5, replyTo(request, random))
      return { bytes: nearly(random, [told, Buffer.concat([asked, told]), asked]), form }
    },
    open(form) {
      const request = requests[form] ?? requests[0]
      if (!request) throw new Error('there are requests')
      const ask = { unit: 5, request }
      const parser = new RtuReplyParser(ask, encodeRtu(5, encodeRequest(request)))
      let isDone = false
      return {
        // It is made anew for each request: what comes after the reply is another one's.
        push(chunk) {
          isDone ||= parser.push(chunk) !== undefined
        },
        end() {
          if (!isDone) parser.giveUp()
        },
        held: () => parser.waiting,
      }
    },
  }
}

function rtsp(): Target {
  const answers = [
    encodeResponse({ status: 200, reason: 'OK', headers: [['CSeq', '1']] }),
    encodeResponse({
      status: 200,
      reason: 'OK',
      headers: [['CSeq', '2']],
      body: Buffer.from('v=0\r\n'.repeat(20)),
    }),
    encodeResponse({
      status: 401,
      reason: 'Unauthorized',
      headers: [['WWW-Authenticate', 'Digest realm="a", nonce="b"']],
    }),
    encodeInterleaved(0, Buffer.alloc(700, 0x24)),
    encodeInterleaved(1, Buffer.alloc(3)),
    Buffer.from('RTSP/1.0 200 OK\r\nContent-Length: 65536\r\n\r\n'),
    Buffer.from('OPTIONS * RTSP/1.0\r\n'),
  ]
  return {
    name: 'rtsp',
    kind: 'stream',
    // The longest head, the largest body.
    mostHeld: 16_384 + 4 + 65_536,
    make: (random) => ({ bytes: nearly(random, answers), form: random.between(0, 1) }),
    open(form) {
      const reader = new RtspReader(form === 0 ? 1 : 255)
      return { push: (chunk) => void reader.push(chunk), held: () => reader.waiting }
    },
  }
}

/** Each chunk is a packet. */
function rtpVideo(): Target {
  const payloads = {
    H264: ['67640028', '65888400', '7800046764002800036888', '7c8588', '7c0588', '7c4588', '5c41', '1800'],
    H265: ['4001', '42010101', '26010203', '6001000342010101', '620193aa', '620113aa', '620153aa'],
  } as const
  return {
    name: 'rtp-video',
    kind: 'stream',
    make(random) {
      const form = random.between(0, 1)
      const given = form === 0 ? payloads.H264 : payloads.H265
      const payload = damaged(Buffer.from(pick(random, given), 'hex'), random)
      const packet = encodeRtp({
        payloadType: 96,
        marker: random.next() < 0.2,
        sequence: random.between(0, 3),
        timestamp: 3000 * random.between(0, 2),
        ssrc: 7,
        payload,
      })
      return { bytes: random.next() < 0.8 ? packet : damaged(packet, random), form }
    },
    open(form) {
      const units = new AccessUnits({
        codec: form === 0 ? 'H264' : 'H265',
        payloadType: 96,
        parameterSets: [],
      })
      let sequence = 0
      return {
        // In order for the most part: what is lost costs the whole picture.
        push(chunk) {
          const packet = Buffer.from(chunk)
          if (packet.length > 3 && (packet[1] ?? 0) % 5 !== 0)
            packet.writeUInt16BE((sequence = (sequence + 1) & 0xffff), 2)
          units.push(packet)
        },
      }
    },
  }
}

const CONNECT = Buffer.from('101000044d5154540402003c000461626364', 'hex')
const CONNACK = Buffer.from('20020000', 'hex')

function publish(random: Random): Uint8Array {
  const qos = random.between(0, 2)
  const size = pick(random, [0, 1, 20, 100, 130, 200, 700])
  const topic = Buffer.from('a/b')
  const body = Buffer.concat([
    Buffer.of(0, topic.length),
    topic,
    ...(qos > 0 ? [Buffer.of(0, 7)] : []),
    Buffer.alloc(size, 0x30),
  ])
  return Buffer.concat([Buffer.of(0x30 | (qos << 1)), lengthBytes(body.length), body])
}

function lengthBytes(length: number): Uint8Array {
  const bytes: number[] = []
  for (let left = length; ; left >>= 7) {
    bytes.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0))
    if (left <= 0x7f) return Uint8Array.from(bytes)
  }
}

function packetGuard(): Target {
  return {
    name: 'mqtt-packet-guard',
    kind: 'stream',
    make: (random) => ({
      bytes: Buffer.concat([CONNECT, nearly(random, [publish(random), publish(random)])]),
      form: 0,
    }),
    open() {
      const begin = (): PacketGuard => new PacketGuard({ connectBytes: 100, packetBytes: () => 500 })
      let guard = begin()
      return {
        push(chunk) {
          if (guard.check(chunk) !== undefined) guard = begin()
        },
      }
    },
  }
}

function sieve(): Target {
  return {
    name: 'mqtt-sieve',
    kind: 'stream',
    make: (random) => ({
      bytes: Buffer.concat([CONNACK, nearly(random, [publish(random), publish(random)])]),
      form: 0,
    }),
    open() {
      const one = new Sieve(100, () => undefined)
      return { push: (chunk) => void one.push(chunk as Buffer) } // sockets give these
    },
  }
}
