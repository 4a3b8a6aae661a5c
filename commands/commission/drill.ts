import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Type, type Static } from 'typebox'
import { GanglionError } from '../../base/errors.ts'
import { checker } from '../../base/schema.ts'
import { say, type Command } from '../command.ts'
import { folderOptions, thisUser } from '../rules/folders.ts'
import type { RunningGateway } from '../running.ts'
import { deviceOf, gatewayOf, pathOf } from './gateway-of.ts'

const LOOK_AGAIN_MS = 1000
const DEFAULT_MINUTES = '10'

export const DrillAnswer = Type.Object({
  id: Type.String(),
  state: Type.String(),
  until: Type.String(),
  endedAt: Type.Union([Type.String(), Type.Null()]),
  hops: Type.Array(
    Type.Object({
      hop: Type.String(),
      at: Type.String(),
      afterMs: Type.Union([Type.Number(), Type.Null()]),
    }),
  ),
})
type DrillAnswer = Static<typeof DrillAnswer>

/** `ganglion commission drill <device>`: for some minutes every case of it is a drill. */
const drill: Command = {
  name: 'commission drill',
  summary:
    'try a device: drill <device> [--minutes 10] [--by <name>] [--wait | --end | --show] [--box …] [--data …]',
  async run(words) {
    const text = { type: 'string' } as const
    const flag = { type: 'boolean' } as const
    const { values, positionals } = parseArgs({
      args: words,
      allowPositionals: true,
      options: { ...folderOptions, minutes: text, by: text, wait: flag, end: flag, show: flag },
    })
    const device = deviceOf(positionals, drill.summary)
    const { minutes = DEFAULT_MINUTES, by = thisUser() } = values
    if (!/^\d{1,3}$/.test(minutes) || Number(minutes) < 1 || Number(minutes) > 240)
      throw new GanglionError('usage', `--minutes: wanted 1 to 240; got "${minutes}"`)
    const gateway = await gatewayOf(values)
    if (values.end === true) {
      tell(parse(await gateway.post(pathOf(device, 'drill/end'), {})))
      return 0
    }
    if (values.show !== true) {
      const begun = parse(await gateway.post(pathOf(device, 'drill'), { minutes: Number(minutes), by }))
      say(`until ${begun.until} every case of "${device}" is a drill: set it off now, and let it clear again`)
      say('what still stands when the drill ends becomes a case in earnest')
      if (values.wait !== true) return 0
    }
    const shown = await (values.wait === true ? ended(gateway, device) : newest(gateway, device))
    if (!shown) say('no drill yet')
    else tell(shown)
    return shown && shown.hops.length > 0 ? 0 : 1
  },
}
export default drill

/** Until its case is with the platform, or the drill is over: then it completes itself later. */
async function ended(gateway: RunningGateway, device: string): Promise<DrillAnswer | undefined> {
  for (;;) {
    const shown = await newest(gateway, device)
    if (!shown || shown.endedAt !== null || shown.state === 'complete') return shown
    await pause(LOOK_AGAIN_MS)
  }
}

async function newest(gateway: RunningGateway, device: string): Promise<DrillAnswer | undefined> {
  const answer = checker(Type.Array(DrillAnswer))(await gateway.get(pathOf(device, 'drills')))
  if (!answer.ok) throw otherVersion()
  return answer.value[0]
}

function parse(body: unknown): DrillAnswer {
  const answer = checker(DrillAnswer)(body)
  if (!answer.ok) throw otherVersion()
  return answer.value
}

const otherVersion = (): GanglionError =>
  new GanglionError('payload-invalid', 'the gateway answered as another version would')

function tell({ hops, state }: DrillAnswer): void {
  say(state)
  if (state === 'waiting for the platform')
    say('  it completes itself when the platform is back: no second trip')
  for (const { afterMs, at, hop } of hops)
    say(`  ${hop.padEnd(10)} ${at}${afterMs === null ? '' : `  +${afterMs} ms`}`)
}
