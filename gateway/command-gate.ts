import { later, type Instant } from '../base/clock.ts'
import { cutRefusal } from './circuit.ts'
import { effectOf, mayAsk } from './command-kind.ts'
import type { CommandWish } from './command-record.ts'
import type { Device } from './device.ts'
import type { EnabledCommand } from './enabled-commands.ts'

const HOUR_MS = 3_600_000

type Target = Pick<CommandWish, 'deviceId' | 'command' | 'part'>

/**
 * A pulse of a strike ends by itself, and one that comes again only lasts longer: nobody is kept out because others came
 * in, and no fire is kept waiting. How often credentials are tried is for the door's own access control to bound.
 */
export const isCounted = ({
  command,
  by,
  isLifeSafety,
}: Pick<CommandWish, 'command' | 'by' | 'isLifeSafety'>): boolean =>
  effectOf(command) !== 'opens' || (by.kind !== 'access' && isLifeSafety !== true)

/** What must not be asked, and what is asked too often. Each device or part and each command is counted by itself. */
export class CommandGate {
  readonly #times = new Map<string, Instant[]>()

  /** It was let through then. */
  passed(target: Target, at: Instant): void {
    this.#timesOf(target).push(at)
  }

  /** It was not stored after all. */
  takeBack(target: Target, at: Instant): void {
    const times = this.#timesOf(target)
    const index = times.lastIndexOf(at)
    if (index >= 0) times.splice(index, 1)
  }

  /** Why it is not sent, or undefined. */
  refusal(
    wish: CommandWish,
    {
      device,
      enabled,
      now,
    }: {
      readonly device: Device | undefined
      /** What the site says of this command of the device. */
      readonly enabled: EnabledCommand | undefined
      readonly now: Instant
    },
  ): string | undefined {
    const { command, part, by } = wish
    if (!device) return `the device "${wish.deviceId}" is in no site of this box`
    if (!device.profile.commands?.has(command)) return `the profile "${device.profile.id}" has no ${command}`
    if (!enabled) return `the site does not enable ${command} for it`
    if (!enabled.parts.includes(part)) {
      const known = enabled.parts.filter((name) => name !== '')
      return `${part === '' ? 'wanted a part' : `unknown part "${part}"`}; ${known.length > 0 ? `enabled are ${known.join(', ')}` : 'it has none'}`
    }
    const effect = effectOf(command)
    if (!mayAsk[effect].includes(by.kind) || enabled.by?.includes(by.kind) === false)
      return `${command} is not for a ${by.kind} to ask`
    const cut = effect === 'cuts' ? cutRefusal(device.feeds, part) : undefined
    if (cut !== undefined) return cut
    if (by.kind === 'rule' && wish.isLifeSafety !== true && enabled.quiet?.isOpen(now) === true)
      return 'these are quiet hours'
    return isCounted(wish) ? this.#tooOften(wish, enabled, now) : undefined
  }

  #tooOften(wish: CommandWish, enabled: EnabledCommand, now: Instant): string | undefined {
    const { command } = wish
    const times = this.#timesOf(wish)
    // A clock that was set back must not keep old ones for ever.
    while ((times[0] ?? now) <= now - HOUR_MS || (times[0] ?? now) > now + HOUR_MS) times.shift()
    const last = times.at(-1)
    const { lastsMs } = enabled.command
    const isOn = last !== undefined && last <= now && now < later(last, lastsMs)
    if (effectOf(command) === 'signals' && isOn) return `it still goes on: ${lastsMs / 1000} s each time`
    if (times.length < enabled.perHour) return undefined
    return `asked for ${times.length} times within an hour; the site allows ${enabled.perHour}`
  }

  #timesOf({ deviceId, command, part }: Target): Instant[] {
    const key = `${deviceId} ${command} ${part}`
    const known = this.#times.get(key)
    if (known) return known
    const times: Instant[] = []
    this.#times.set(key, times)
    return times
  }
}
