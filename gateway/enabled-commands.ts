import { Type, type Static, type TOptional } from 'typebox'
import { cutRefusal, type Feeds } from './circuit.ts'
import { commandKindIds, commandKinds, effectOf, type CommandKind } from './command-kind.ts'
import type { DeviceCommand } from './device-command.ts'
import type { Device } from './device.ts'
import { openingHours, type OpeningHours } from './opening-hours.ts'
import type { TransportPlug } from './ports.ts'
import type { Profile } from './profile.ts'
import { Hours } from './words.ts'

const closed = { additionalProperties: false } as const

const Enabled = Type.Object(
  {
    perHour: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 3600,
        description: 'at most so many within an hour, for each part; default 4. A door needs more',
      }),
    ),
    parts: Type.Optional(
      Type.Array(Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,30}$' }), {
        minItems: 1,
        maxItems: 64,
        uniqueItems: true,
        description: 'these parts alone: [port-1, port-2]',
      }),
    ),
    by: Type.Optional(
      Type.Array(Type.Enum(['person', 'rule', 'access'] as const), {
        minItems: 1,
        uniqueItems: true,
        description:
          'who may ask; everyone whom the kind of command allows by default, but that a rule opens a door only where it stands here',
      }),
    ),
    quiet: Type.Optional({
      ...Hours,
      description: 'in these hours no rule asks for it, unless life is in danger: 22:00-07:00',
    }),
  },
  closed,
)

/** What a site lets be asked of a device. What does not stand here is off. */
export const EnabledCommands = Type.Object(
  Object.fromEntries(commandKindIds.map((kind) => [kind, Type.Optional(Enabled)])) as Record<
    CommandKind,
    TOptional<typeof Enabled>
  >, // one entry a kind of the closed table
  closed,
)
export type EnabledCommands = Static<typeof EnabledCommands>

/** A command that a site has enabled for one device. */
export interface EnabledCommand {
  readonly command: DeviceCommand
  readonly perHour: number
  readonly parts: readonly string[]
  readonly by: readonly string[] | undefined
  readonly quiet: OpeningHours | undefined
}

const DEFAULT_PER_HOUR = 4

/** What the site file says of one device's commands. */
export interface CommandsEntry {
  readonly commands?: EnabledCommands
  readonly feeds?: Feeds
}

/** The commands of a device; what is wrong with them, by path below the device. */
export function enabledCommands(
  entry: CommandsEntry,
  profile: Profile,
  given: {
    readonly plug: Pick<TransportPlug, 'orders'>
    readonly transport: string
    readonly timeZone: string
  },
): {
  readonly commands: ReadonlyMap<CommandKind, EnabledCommand>
  readonly complaints: readonly { readonly path: string; readonly text: string }[]
} {
  const commands = new Map<CommandKind, EnabledCommand>()
  const complaints: { path: string; text: string }[] = []
  for (const kind of commandKindIds) {
    const said = entry.commands?.[kind]
    if (!said) continue
    const complain = (path: string, text: string): void =>
      void complaints.push({ path: `/commands/${kind}${path}`, text })
    const command = profile.commands?.get(kind)
    if (!command) {
      complain('', unknownCommand(profile))
      continue
    }
    const parts = said.parts ?? command.parts
    const other = parts.findIndex((part) => !command.parts.includes(part))
    if (other >= 0)
      complain(`/parts/${other}`, `${kind} knows ${partsText(command)}; got "${parts[other] ?? ''}"`)
    const form = command.orderFor(command.parts[0] ?? '', '').is
    if (!(given.plug.orders ?? []).includes(form)) {
      complain('', `it is sent by "${form}", which ${given.transport} cannot do`)
    }
    const refused = effectOf(kind) === 'cuts' ? cutMistake(entry.feeds, parts) : undefined
    if (refused !== undefined) complain('', refused)
    commands.set(kind, {
      command,
      perHour: said.perHour ?? DEFAULT_PER_HOUR,
      parts,
      by: said.by ?? (effectOf(kind) === 'opens' ? ['person', 'access'] : undefined),
      quiet: said.quiet === undefined ? undefined : quietHours(said.quiet, given.timeZone),
    })
  }
  return { commands, complaints }
}

function unknownCommand(profile: Profile): string {
  const known = [...(profile.commands?.keys() ?? [])]
  return `the profile "${profile.id}" has no such command; ${known.length > 0 ? `it has ${known.join(', ')}` : 'it takes none'}`
}

/** Undefined in a time zone that is unknown, which is said where the site states it. */
function quietHours(hours: string, timeZone: string): OpeningHours | undefined {
  try {
    return openingHours(hours, timeZone)
  } catch {
    return undefined
  }
}

const partsText = ({ parts }: DeviceCommand): string =>
  parts.length === 1 && parts[0] === '' ? 'no parts' : `the parts ${parts.join(', ')}`

function cutMistake(feeds: Feeds | undefined, parts: readonly string[]): string | undefined {
  for (const part of parts) {
    const refused = cutRefusal(feeds, part)
    if (refused !== undefined) return part === '' ? refused : `${part}: ${refused}`
  }
  return undefined
}

/** What a device can be told here, for people and for the console. */
export const commandsShown = (device: Device): readonly object[] =>
  [...(device.commands ?? [])].map(([kind, { parts, perHour }]) => ({
    command: kind,
    zh: commandKinds[kind].zh,
    en: commandKinds[kind].en,
    parts,
    perHour,
  }))
