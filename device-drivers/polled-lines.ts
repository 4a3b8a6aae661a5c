import type { Device } from '../gateway/device.ts'
import type { Intake, TransportContext } from '../gateway/ports.ts'
import { aborted } from './listen.ts'

export interface LineEvents {
  connected(): void
  /** The line is lost or could not be opened; said once until it is back. */
  lost(reason: string): void
  trouble(what: string, example: string): void
}

/** A connection or port with several devices behind it. */
export interface PolledLine {
  run(signal: AbortSignal): Promise<void>
}

/** What asks one device again and again. */
export interface Asking {
  run(signal: AbortSignal): Promise<void>
  /** Nothing is known of the device any more. */
  lineLost(reason: string): void
}

export interface PolledLines<Line extends PolledLine> {
  /** The transport's. */
  readonly name: string
  readonly context: Pick<TransportContext, 'devices' | 'intake'>
  /** The same text for all devices of one line; health shows it. */
  readonly lineOf: (device: Device) => string
  /** @param devices all of this line */
  readonly open: (devices: readonly [Device, ...Device[]], events: LineEvents) => Line
  /** @param share 0 … 1: devices begin one after another, so that not all are asked in the same moment */
  readonly ask: (device: Device, line: Line, share: number) => Asking
}

/** Opens every line and asks every device on it, until aborted. */
export async function runPolledLines<Line extends PolledLine>(
  { name, context, lineOf, open, ask }: PolledLines<Line>,
  signal: AbortSignal,
): Promise<void> {
  const { devices, intake } = context
  // The first part that fails ends all of them; the supervisor starts anew.
  const failed = new AbortController()
  const either = AbortSignal.any([signal, failed.signal])
  const run = (part: PolledLine | Asking): Promise<void> =>
    part.run(either).catch((error: unknown) => {
      failed.abort()
      throw error
    })
  const lines = [...Map.groupBy(devices, lineOf)].flatMap(([at, [first, ...rest]]) => {
    if (!first) return []
    const behind = [first, ...rest] as const
    const askings: Asking[] = []
    const line = open(behind, lineEvents({ name, at, intake, askings }))
    askings.push(...behind.map((device) => ask(device, line, devices.indexOf(device) / devices.length)))
    return [{ line, askings }]
  })
  const opened = Promise.all(lines.map(({ line }) => run(line)))
  const asked = Promise.all(lines.flatMap(({ askings }) => askings.map(run)))
  // A poll that the store holds back does not hold back the end; a port is let go before it.
  await Promise.race([Promise.all([opened, asked]), aborted(signal).then(() => opened)])
}

function lineEvents(given: {
  readonly name: string
  readonly at: string
  readonly intake: Intake
  readonly askings: readonly Asking[]
}): LineEvents {
  const { name, at, intake, askings } = given
  const subject = `${name} ${at}`
  return {
    connected: () => intake.state(subject, 'connected'),
    lost(reason) {
      intake.trouble(`${name}: device-unreachable (${at})`, reason)
      intake.state(subject, 'away', reason)
      for (const asking of askings) asking.lineLost(reason)
    },
    trouble: (what, example) => intake.trouble(`${name}: ${what} (${at})`, example),
  }
}
