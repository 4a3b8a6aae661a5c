import { Type, type Static } from 'typebox'
import { isGanglionError, messageOf } from '../../base/errors.ts'
import type { Device } from '../../gateway/device.ts'
import type { TransportContext, TransportPlug } from '../../gateway/ports.ts'
import { cardFormats, LONGEST_LINE, shownByText } from '../codecs/door-text.ts'
import { keepOpen } from '../keep-open.ts'
import { serialFields, serialLine, serialText, type SerialSettings } from '../serial/port.ts'
import { TextLines } from '../serial/text-lines.ts'

const Address = Type.Object(
  {
    ...serialFields,
    card: Type.Optional(
      Type.Enum(cardFormats, {
        description: 'how it prints a card: hex bytes (default), or a number of 24 or 32 bits',
      }),
    ),
  },
  { additionalProperties: false },
)
type Address = Static<typeof Address>

const DEFAULTS = { baud: 9600, parity: 'none', stopBits: 1 } as const
/** A card that is held to a reader, and a code in front of its eye, are printed again and again. */
const SAME_AGAIN_MS = 3000

/** A card or QR reader on a serial port or as a USB serial adapter: it prints what it reads, and can be told nothing. */
const plug: TransportPlug = {
  name: 'serial-reader',
  address: Address,
  create: (context) => ({
    name: plug.name,
    async run(signal) {
      await Promise.all(context.devices.map((device) => readFrom(device, context, signal)))
    },
  }),
}
export default plug

function readFrom(device: Device, context: TransportContext, signal: AbortSignal): Promise<void> {
  const { clock, intake } = context
  const address = device.address.settings as Address // checked by the schema
  const settings: SerialSettings = { ...DEFAULTS, ...address }
  const subject = `${plug.name} ${serialText(settings)}`
  let last = { text: '', ticks: -Infinity }
  let asks = 0

  const ask = (text: string): void => {
    const ticks = clock.ticks()
    const isSame = last.text === text && ticks - last.ticks < SAME_AGAIN_MS
    last = { text, ticks }
    if (isSame) return
    const askId = `line-${clock.now().toString(36)}-${++asks}`
    const presented = { askId, shown: shownByText(text, address.card), isRepeated: false }
    intake
      .accept({ deviceId: device.id, fields: {}, messageId: askId, presented })
      .catch((error: unknown) => {
        // The store has said that it takes nothing now; who stands there shows the card again.
        if (!isGanglionError(error)) intake.trouble(`${plug.name}: failed (${device.id})`, messageOf(error))
      })
  }

  const hold = (): Promise<string> =>
    new Promise((resolve) => {
      const lines = new TextLines({
        clock,
        longest: LONGEST_LINE,
        line: ask,
        tooLong: () =>
          intake.trouble(`${plug.name}: payload-too-large (${device.id})`, 'a line without an end'),
      })
      const onAbort = (): void => port.close('stopped')
      const port = serialLine(settings)({
        opened: () => intake.state(subject, 'connected'),
        data: (chunk) => lines.push(chunk),
        closed(reason) {
          signal.removeEventListener('abort', onAbort)
          lines.stop()
          resolve(reason)
        },
      })
      signal.addEventListener('abort', onAbort, { once: true })
    })

  const lost = (reason: string): void => {
    intake.trouble(`${plug.name}: device-unreachable (${device.id})`, reason)
    intake.state(subject, 'away', reason)
    intake.lost(device.id, reason)
  }
  return keepOpen({ clock, hold, lost }, signal)
}
