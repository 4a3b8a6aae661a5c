import { Fleet } from './fleet.ts'
import type { FromSender, ToSender } from './messages.ts'

/** The sender as a process of its own: it plays the devices that its parent names. */
if (import.meta.main) {
  const say = (message: FromSender): void => void process.send?.(message)
  const fleet = new Fleet(say)
  process.on('message', (message: ToSender) => fleet.told(message))
  process.on('disconnect', () => process.exit())
}
