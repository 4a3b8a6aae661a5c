import { Type, type Static } from 'typebox'
import { parseDuration } from '../../base/amount.ts'
import { pause } from '../../base/clock.ts'
import { isGanglionError } from '../../base/errors.ts'
import type { Device } from '../../gateway/device.ts'
import type { TransportContext, TransportPlug } from '../../gateway/ports.ts'
import { Span } from '../../gateway/words.ts'

const Address = Type.Object({ every: Type.Optional(Span) }, { additionalProperties: false })
type Address = Static<typeof Address>

const EVERY = '30 s'

/** The box as a device of its own: free disk, clock, the way to the platform. Profile: `ganglion-box`. */
const plug: TransportPlug = {
  name: 'self',
  address: Address,
  create: (context) => ({
    name: plug.name,
    async run(signal) {
      await Promise.all(context.devices.map((device) => speak(device, context, signal)))
    },
  }),
}
export default plug

async function speak(device: Device, context: TransportContext, signal: AbortSignal): Promise<void> {
  const { clock, intake, ownState } = context
  const { every } = device.address.settings as Address // checked by the schema
  const wait = parseDuration(every ?? EVERY)
  while (!signal.aborted) {
    try {
      await intake.accept({ deviceId: device.id, fields: ownState() })
    } catch (error) {
      // The store cannot take it now, which it has reported: the next one says the same anew.
      if (!isGanglionError(error) || error.retry !== 'later') throw error
    }
    await pause(clock, wait, signal).catch(() => undefined) // aborted: the loop ends
  }
}
