import type { Duration } from '../base/clock.ts'
import type { Feeds } from './circuit.ts'
import type { CommandKind } from './command-kind.ts'
import type { Door } from './door-entry.ts'
import type { EnabledCommand } from './enabled-commands.ts'
import type { Profile } from './profile.ts'
import type { Address, Zone } from './site-file.ts'

/** One sensor, station, protector, door or camera, as its site file names it and its profile describes it. */
export interface Device {
  readonly id: string
  readonly siteId: string
  readonly profile: Profile
  readonly address: Address
  /** The part of the site it watches: its own id unless the site file names another. */
  readonly part: string
  /** Missing when nothing came for this long. */
  readonly silentAfter: Duration
  /** Cameras: the zones of the picture. */
  readonly zones: readonly Zone[]
  /** Cases of this device are drills: commissioning, or a camera without its sign and controller. */
  readonly drillOnly: boolean
  /** What the site lets be asked of it. */
  readonly commands?: ReadonlyMap<CommandKind, EnabledCommand>
  /** Its access is decided and watched here. */
  readonly door?: Door
  /** What hangs on its circuit. */
  readonly feeds?: Feeds
}

/** The part that stands for the whole site in the place of a rule that is judged `per: site`. */
export const SITE_PART = 'site'

/** 位置: `<siteId>/<part>`; the ports of a station are parts of its part. */
export function placeOf(device: Device, readingPart: string): string {
  // A camera's zone is a part of the site by itself: a beam may watch the same one.
  if (device.zones.length > 0 && readingPart !== '') return `${device.siteId}/${readingPart}`
  return `${device.siteId}/${device.part}${readingPart === '' ? '' : `/${readingPart}`}`
}
