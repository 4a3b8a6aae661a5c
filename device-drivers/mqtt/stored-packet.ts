import { GanglionError } from '../../base/errors.ts'

/** A message as the broker hands it about. */
export interface BrokerPacket {
  cmd: 'publish' | 'pubrel'
  topic: string
  payload: Buffer
  qos: 0 | 1 | 2
  retain: boolean
  dup: boolean
  brokerId?: string | undefined
  brokerCounter?: number | undefined
  messageId?: number | undefined
  clientId?: string | undefined
}

/** Grows with every change that an older Ganglion could not read. */
const FORMAT = 1

/** A header in JSON, a line feed, the payload as it is. */
export function toRow(packet: BrokerPacket): Buffer {
  const { topic, qos, retain, brokerId, brokerCounter, clientId } = packet
  const header = JSON.stringify({ v: FORMAT, topic, qos, retain, brokerId, brokerCounter, clientId })
  return Buffer.concat([Buffer.from(`${header}\n`), packet.payload])
}

/** @throws GanglionError `store-newer` for a row of a later format */
export function fromRow(row: Uint8Array): BrokerPacket {
  const bytes = Buffer.from(row.buffer, row.byteOffset, row.length)
  const end = bytes.indexOf(0x0a)
  const header = readHeader(bytes.subarray(0, end)) as Omit<BrokerPacket, 'cmd' | 'payload' | 'dup'> // of `toRow`
  return { ...header, cmd: 'publish', dup: false, payload: Buffer.from(bytes.subarray(end + 1)) }
}

/** A client's subscription, as the broker hands it about. */
export interface Subscribed {
  readonly topic: string
  readonly qos: 0 | 1 | 2
}

export const subscriptionsToRow = (subscriptions: readonly Subscribed[]): Buffer =>
  Buffer.from(JSON.stringify({ v: FORMAT, subscriptions }))

/** @throws GanglionError `store-newer` for a row of a later format */
export const subscriptionsFromRow = (row: Uint8Array): readonly Subscribed[] =>
  (readHeader(row) as { subscriptions: readonly Subscribed[] }).subscriptions // of `subscriptionsToRow`

function readHeader(bytes: Uint8Array): unknown {
  const header = JSON.parse(Buffer.from(bytes).toString('utf8')) as { readonly v: number } // every row has it
  if (header.v > FORMAT)
    throw new GanglionError('store-newer', `wanted MQTT rows of format ${FORMAT}; got ${header.v}`, {
      hint: 'Start the newer Ganglion again, or empty the table mqtt.',
    })
  return header
}
