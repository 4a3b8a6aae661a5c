import { parseArgs } from 'node:util'
import { systemClock } from '../../base/clock.ts'
import { GanglionError, messageOf } from '../../base/errors.ts'
import { identify, lookAtLine } from '../../device-drivers/modbus/scan.ts'
import { openScanLine, type ScanLine, type ScanTiming } from '../../device-drivers/modbus/scan-line.ts'
import { lineWords, silenceWords, soundUnits } from '../../device-drivers/modbus/scan-verdict.ts'
import type { Match } from '../../device-drivers/modbus/signature.ts'
import { tcpLine, type Opener } from '../../device-drivers/serial/byte-line.ts'
import { bauds, characterMs, serialLine, type SerialSettings } from '../../device-drivers/serial/port.ts'
import type { Profile } from '../../gateway/profile.ts'
import { say, type Command } from '../command.ts'
import { folderOptions, foldersOf } from '../rules/folders.ts'
import { profilesOf } from './profiles-of.ts'

/** What most units leave the factory with comes first. */
const USUAL_BAUDS = '9600,4800,19200,2400,115200,38400'
const USUAL_UNITS = '1-32'
const MOST_MATCHES = 3
/** Below this anything fits. */
const LEAST_BITS = 8

/** One way of speaking to the line. */
interface Try {
  readonly text: string
  readonly form: 'rtu' | 'tcp'
  readonly opener: Opener
  readonly timing: ScanTiming
  /** What `via:` would say of it, without the unit. */
  readonly via: string
}

/** `ganglion commission scan`: who is on a Modbus line, which known map each speaks, and what is wrong with the line. */
const scan: Command = {
  name: 'commission scan',
  summary:
    'a Modbus line: scan --port /dev/ttyUSB0 [--bauds 9600,4800] [--parity none] | scan <host:port> [--rtu]   [--units 1-32] [--box …]',
  async run(words) {
    const text = { type: 'string' } as const
    const { values, positionals } = parseArgs({
      args: words,
      allowPositionals: true,
      options: {
        ...folderOptions,
        port: text,
        bauds: text,
        parity: text,
        units: text,
        rtu: { type: 'boolean' },
      },
    })
    const units = unitsIn(values.units ?? USUAL_UNITS)
    const tries =
      values.port === undefined
        ? [farTry(positionals, values.rtu === true)]
        : serialTries(values.port, values.bauds ?? USUAL_BAUDS, values.parity ?? 'none')
    if (values.port !== undefined && positionals.length > 0)
      throw new GanglionError('usage', 'wanted --port, or host:port, and not both', { hint: scan.summary })
    const profiles = profilesOf(foldersOf(values).box, 'modbus')
    let isQuiet = true
    for (const one of tries) {
      const found = await tryLine(one, units, profiles)
      if (found > 0) return 0
      if (found < 0) isQuiet = false
    }
    if (isQuiet) for (const line of silenceWords) say(line)
    return 1
  },
}
export default scan

/** How many units answered as units do; -1 where only something wrong was heard. */
async function tryLine(one: Try, units: readonly number[], profiles: readonly Profile[]): Promise<number> {
  say(`${one.text}: asking ${units.length} units`)
  const line = await opened(one)
  try {
    const seen = await lookAtLine(line, units, (unit) => say(`  unit ${unit}: something is there`))
    const wrong = lineWords(seen)
    for (const words of wrong) say(`  ${words}`)
    const sound = soundUnits(seen)
    for (const unit of sound)
      for (const words of matchLines(unit, await identify(line, unit, profiles, systemClock), one.via))
        say(`  ${words}`)
    return sound.length > 0 ? sound.length : wrong.length > 0 ? -1 : 0
  } finally {
    await line.close()
  }
}

async function opened({ form, opener, text, timing }: Try): Promise<ScanLine> {
  try {
    return await openScanLine(opener, form, timing, systemClock)
  } catch (error) {
    throw new GanglionError('device-unreachable', `${text}: ${messageOf(error)}`, {
      hint: messageOf(error).startsWith('in use')
        ? 'A scan beside the gateway would disturb both: stop the gateway, or take the port out of its site file, and scan again.'
        : 'ganglion commission ports lists the serial ports.',
      cause: error,
    })
  }
}

function matchLines(unit: number, matches: readonly Match[], via: string): readonly string[] {
  const good = matches.filter(({ bits }) => bits >= LEAST_BITS).slice(0, MOST_MATCHES)
  if (good.length === 0)
    return [`unit ${unit}: it answers, and no known map fits; write a profile (docs/devices/profiles.md)`]
  return good.flatMap(({ bits, profile, shown }, index) => {
    const variant = profile.variant === undefined ? '' : `, variant: ${profile.variant}`
    const word = index === 0 ? 'looks like' : 'or'
    return [
      `unit ${unit}: ${word} ${profile.id} (${profile.name.zh}; ${Math.round(bits)} bits: ${shown.join(', ')})`,
      ...(index === 0
        ? [
            `  - { id: unit-${unit}, profile: ${profile.id}${variant}, via: ${via.replace('UNIT', String(unit))} }`,
          ]
        : []),
    ]
  })
}

function serialTries(port: string, baudText: string, parity: string): readonly Try[] {
  if (parity !== 'none' && parity !== 'even' && parity !== 'odd')
    throw new GanglionError('usage', `--parity: wanted none, even or odd; got "${parity}"`)
  if (!/^(\/[A-Za-z0-9._:+@/-]{1,200}|COM\d{1,3})$/.test(port))
    throw new GanglionError('usage', `--port: wanted such as /dev/ttyUSB0; got "${port}"`)
  return baudText.split(',').map((word) => {
    const baud = bauds.find((known) => String(known) === word.trim())
    if (baud === undefined)
      throw new GanglionError('usage', `--bauds: wanted some of ${bauds.join(',')}; got "${word}"`)
    const settings: SerialSettings = { port, baud, parity, stopBits: 1 }
    const betweenMs = Math.max(20 * characterMs(baud), 50)
    const more = `${baud === 9600 ? '' : `, baud: ${baud}`}${parity === 'none' ? '' : `, parity: ${parity}`}`
    return {
      text: `${port} at ${baud} baud`,
      form: 'rtu',
      opener: serialLine(settings),
      timing: { waitMs: 150 + 30 * characterMs(baud), betweenMs, longestMs: 250 + 320 * characterMs(baud) },
      via: `{ modbus-rtu: { port: ${port}, unit: UNIT${more} } }`,
    }
  })
}

function farTry(positionals: readonly string[], isRtu: boolean): Try {
  const [address = ''] = positionals
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([A-Za-z0-9._-]{1,253})):(\d{1,5})$/.exec(address)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || port < 1 || port > 65_535 || positionals.length !== 1)
    throw new GanglionError('usage', `wanted --port, or host:port; got "${positionals.join(' ')}"`, {
      hint: scan.summary,
    })
  return {
    text: address,
    form: isRtu ? 'rtu' : 'tcp',
    opener: tcpLine(host, port, systemClock),
    timing: { waitMs: 500, betweenMs: 100, longestMs: 2000 },
    via: `{ ${isRtu ? 'modbus-rtu-tcp' : 'modbus-tcp'}: { host: ${host}, port: ${port}, unit: UNIT } }`,
  }
}

/** `1-32,40` */
function unitsIn(text: string): readonly number[] {
  const units = text.split(',').flatMap((word) => {
    const match = /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(word.trim())
    const from = Number(match?.[1])
    const to = Number(match?.[2] ?? match?.[1])
    if (!match || from < 1 || to > 247 || from > to)
      throw new GanglionError('usage', `--units: wanted such as 1-32,40 within 1 to 247; got "${text}"`)
    return Array.from({ length: to - from + 1 }, (_, index) => from + index)
  })
  return [...new Set(units)]
}
