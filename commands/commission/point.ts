import { parseArgs } from 'node:util'
import { Type } from 'typebox'
import { GanglionError } from '../../base/errors.ts'
import { checker } from '../../base/schema.ts'
import { say, type Command } from '../command.ts'
import { folderOptions } from '../rules/folders.ts'
import { gatewayOf, pathOf } from './gateway-of.ts'

const Answer = Type.Object({
  isLive: Type.Boolean(),
  points: Type.Array(
    Type.Object({
      quantity: Type.String(),
      part: Type.String(),
      value: Type.Union([Type.Number(), Type.Boolean(), Type.String()]),
      quality: Type.String(),
      unit: Type.String(),
      at: Type.String(),
      raw: Type.Union([Type.String(), Type.Null()]),
    }),
  ),
})

/** `ganglion commission point <device> <quantity>`: what the device says of it next, raw and judged. */
const point: Command = {
  name: 'commission point',
  summary: 'one point live: point <device> <quantity> [--part <part>] [--seconds 10] [--box …] [--data …]',
  async run(words) {
    const text = { type: 'string' } as const
    const { values, positionals } = parseArgs({
      args: words,
      allowPositionals: true,
      options: { ...folderOptions, part: text, seconds: text },
    })
    const [device, quantity] = positionals
    const { part, seconds = '10' } = values
    if (device === undefined || quantity === undefined || positionals.length > 2)
      throw new GanglionError('usage', 'wanted a device and a quantity', { hint: point.summary })
    if (!/^([1-9]|1\d|2[0-5])$/.test(seconds))
      throw new GanglionError('usage', `--seconds: wanted 1 to 25; got "${seconds}"`)
    const gateway = await gatewayOf(values)
    const query = new URLSearchParams({ seconds, ...(part !== undefined && { part }) }).toString()
    const path = pathOf(device, `points/${encodeURIComponent(quantity)}?${query}`)
    const answer = checker(Answer)(await gateway.get(path, (Number(seconds) + 5) * 1000))
    if (!answer.ok)
      throw new GanglionError('payload-invalid', 'the gateway answered as another version would')
    const { isLive, points } = answer.value
    if (!isLive) say(`it said nothing within ${seconds} s; before that:`)
    if (points.length === 0) say('nothing yet')
    for (const { at, part: of, quality, raw, unit, value, ...one } of points) {
      const name = of === '' ? one.quantity : `${of}/${one.quantity}`
      say(`${name}  ${String(value)} ${unit}  ${quality}  ${at}${raw === null ? '' : `  raw ${raw}`}`)
    }
    return isLive && points.length > 0 && points.every(({ quality }) => quality !== 'bad') ? 0 : 1
  },
}
export default point
