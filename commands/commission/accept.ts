import { readFileSync, statSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Type } from 'typebox'
import { GanglionError, codeOf } from '../../base/errors.ts'
import { checker } from '../../base/schema.ts'
import { LARGEST_PHOTO, photoType } from '../../gateway/acceptance.ts'
import { say, type Command } from '../command.ts'
import { folderOptions, thisUser } from '../rules/folders.ts'
import { deviceOf, gatewayOf, pathOf } from './gateway-of.ts'

const UPLOAD_MS = 30_000
const crsNames = ['WGS84', 'CGCS2000', 'GCJ-02', 'BD-09'] as const

const Answer = Type.Object({
  at: Type.String(),
  drill: Type.Union([Type.Null(), Type.Object({ state: Type.String() })]),
})

/** `ganglion commission accept <device>`: the acceptance record, with the device's latest drill. */
const accept: Command = {
  name: 'commission accept',
  summary:
    'the acceptance record: accept <device> [--by <name>] [--photo <file>] [--position lng,lat,WGS84] [--note <text>] [--box …] [--data …]',
  async run(words) {
    const text = { type: 'string' } as const
    const { values, positionals } = parseArgs({
      args: words,
      allowPositionals: true,
      options: { ...folderOptions, by: text, photo: text, position: text, note: text },
    })
    const device = deviceOf(positionals, accept.summary)
    const { by = thisUser(), note } = values
    const position = values.position === undefined ? undefined : positionIn(values.position)
    const photo = values.photo === undefined ? undefined : photoIn(values.photo)
    const gateway = await gatewayOf(values)
    const body = {
      by,
      ...(note !== undefined && { note }),
      ...(position && { position }),
      ...(photo !== undefined && { photo }),
    }
    const answer = checker(Answer)(await gateway.post(pathOf(device, 'acceptance'), body, UPLOAD_MS))
    if (!answer.ok)
      throw new GanglionError('payload-invalid', 'the gateway answered as another version would')
    const { at, drill } = answer.value
    say(`"${device}" is accepted: ${by}, ${at}`)
    say(
      drill
        ? `drill: ${drill.state}`
        : 'no drill: ganglion commission drill measures the way to the platform',
    )
    return 0
  },
}
export default accept

/** A position always names its coordinate system. */
function positionIn(text: string): object {
  const [lng, lat, crs, ...more] = text.split(',').map((word) => word.trim())
  const isNumber = (word: string | undefined): boolean => /^-?\d{1,3}(\.\d{1,10})?$/.test(word ?? '')
  if (!isNumber(lng) || !isNumber(lat) || !crsNames.some((name) => name === crs) || more.length > 0)
    throw new GanglionError(
      'usage',
      `--position: wanted lng,lat and one of ${crsNames.join(', ')}; got "${text}"`,
    )
  return { lng: Number(lng), lat: Number(lat), crs }
}

function photoIn(file: string): string {
  try {
    const { size } = statSync(file)
    if (size > LARGEST_PHOTO)
      throw new GanglionError('usage', `${file}: wanted ${LARGEST_PHOTO} bytes at most; it has ${size}`)
    const bytes = readFileSync(file)
    if (photoType(bytes)) return bytes.toString('base64')
  } catch (error) {
    if (error instanceof GanglionError) throw error
    throw new GanglionError('usage', `${file}: cannot be read (${codeOf(error)})`, { cause: error })
  }
  throw new GanglionError('usage', `${file}: wanted JPEG or PNG, by its first bytes`)
}
