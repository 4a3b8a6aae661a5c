import { hash } from 'node:crypto'
import { isGanglionError } from '../../base/errors.ts'
import type { Arrival, Intake } from '../../gateway/ports.ts'
import type { NamedDevice } from '../codecs/codec.ts'
import type { Speaker } from './speaker.ts'

/** One PUBLISH, whichever broker it came through. */
export interface Said {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: 0 | 1 | 2
  readonly dup: boolean
  readonly messageId?: number | undefined
  /** The broker had kept it and tells it again. */
  readonly isRetained: boolean
}

export interface Listener {
  /** The transport's name. */
  readonly wire: string
  readonly intake: Intake
  /** Whose packet ids they are. */
  readonly session: string
}

const LONGEST_EXAMPLE = 4000

/**
 * What of a message goes to the hub. Undefined when nothing does: what can never be decoded is counted and then
 * acknowledged, or it would come for ever.
 */
export function toArrival(listener: Listener, speaker: Speaker, said: Said): Arrival | undefined {
  const { wire, intake } = listener
  try {
    const decoded = speaker.decode(said.topic, said.payload)
    switch (decoded.is) {
      case 'ignored':
        return undefined
      case 'bridge':
        intake.state(`bridge ${speaker.account}`, decoded.online ? 'online' : 'offline')
        return undefined
      case 'devices':
        for (const device of decoded.devices)
          if (speaker.deviceId(device.address) === undefined) introduce(listener, speaker, device)
        return undefined
      case 'availability':
      case 'message': {
        const deviceId = speaker.deviceId(decoded.address)
        if (deviceId === undefined) {
          intake.trouble(`${wire}: device-unknown (${speaker.account})`, shown(decoded.address))
          if (decoded.is === 'availability') return undefined
          const { address, model } = decoded
          introduce(listener, speaker, {
            address,
            ...(model !== undefined && { model }),
            example: textOf(said),
          })
          return undefined
        }
        if (decoded.is === 'availability') {
          intake.state(deviceId, decoded.online ? 'online' : 'offline', `says ${speaker.account}`)
          return undefined
        }
        if (decoded.complaint !== undefined)
          intake.trouble(`${wire}: payload-invalid (${deviceId})`, decoded.complaint)
        const { fields, messageId, presented, time } = decoded
        return {
          deviceId,
          fields,
          ...(messageId !== undefined && { messageId }),
          ...(time !== undefined && { time }),
          ...(said.isRetained && { retained: true }),
          // Who showed it long ago is not at the door now, and a sum over a card's number could be turned back into it.
          ...(presented === undefined && publishOf(listener, said)),
          ...(presented && !said.isRetained && { presented: { ...presented, isRepeated: said.dup } }),
        }
      }
    }
  } catch (error) {
    if (!isGanglionError(error, 'payload-invalid')) throw error
    intake.trouble(`${wire}: payload-invalid (${speaker.account})`, `${shown(said.topic)}: ${error.message}`)
    return undefined
  }
}

export const shown = (text: string): string =>
  JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}…` : text)

/** A message as an example for people; no more of it than anybody reads. */
export const textOf = ({ payload }: Pick<Said, 'payload'>): string =>
  payload.subarray(0, LONGEST_EXAMPLE).toString('utf8')

function introduce({ wire, intake }: Listener, { account, codec }: Speaker, device: NamedDevice): void {
  intake.stranger({ transport: wire, account, codec, ...device })
}

function publishOf(
  { session }: Listener,
  { topic, payload, qos, dup, messageId }: Said,
): Pick<Arrival, 'publish'> {
  if (qos === 0 || messageId === undefined) return {}
  const sum = hash('sha1', Buffer.concat([payload, Buffer.from(topic)]), 'hex').slice(0, 16)
  return { publish: { account: session, packetId: messageId, dup, hash: sum } }
}
