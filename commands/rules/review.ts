import { parseArgs } from 'node:util'
import { isoTime } from '../../base/clock.ts'
import { GanglionError } from '../../base/errors.ts'
import type { Box } from '../../gateway/config.ts'
import type { Reader } from '../../gateway/store/store.ts'
import { Trials } from '../../gateway/trials.ts'
import { countWouldBe, readWouldBe, type WouldBe } from '../../gateway/would-be.ts'
import { say, type Command } from '../command.ts'
import { folderOptions, foldersOf, withDecisions, withStored } from './folders.ts'

const DEFAULT_ROWS = 50

/** The would-be cases of a site, for the person who takes it live; that they were shown is stored. */
const review: Command = {
  name: 'rules review',
  summary:
    'look at the would-be cases of a site: rules review <site> [--limit <n>] [--box <folder>] [--data <folder>]',
  async run(words) {
    const { values, positionals } = parseArgs({
      args: words,
      allowPositionals: true,
      options: { ...folderOptions, limit: { type: 'string' } },
    })
    const [site] = positionals
    const limit = Number(values.limit ?? DEFAULT_ROWS)
    if (site === undefined || positionals.length > 1 || !Number.isInteger(limit) || limit < 1) {
      throw new GanglionError('usage', 'wanted one site: ganglion rules review <site>')
    }
    const folders = foldersOf(values)
    for (const line of await withStored(folders, (box, reader) => shown(box, reader, site, limit))) say(line)
    await withDecisions(folders, async (desk) => {
      await desk.review(site)
    })
    return 0
  },
}
export default review

function shown(box: Box, reader: Reader, siteId: string, limit: number): readonly string[] {
  const site = box.sites.find(({ id }) => id === siteId)
  if (!site) {
    const known = box.sites.map(({ id }) => id).join(', ')
    throw new GanglionError('usage', `unknown site "${siteId}"; known are ${known}`)
  }
  const { isLive, endsAt, liveBy } = new Trials(reader).at(site)
  const until = endsAt === undefined ? 'not begun' : `its days end ${isoTime(endsAt)}`
  return [
    `${siteId} ${site.file.name.zh}: ${isLive ? `live${liveBy === undefined ? '' : ` (${liveBy})`}` : `in trial; ${until}`}`,
    ...countWouldBe(reader, { siteId }).map(
      ({ rule, heldBy, count, held }) =>
        `  ${rule.padEnd(28)} ${String(count).padStart(6)} would-be cases held by ${heldBy}, ${held} stand now`,
    ),
    '',
    ...readWouldBe(reader, { siteId, limit }).map(line),
  ]
}

const line = ({ at, rule, place, class: cls, heldBy, outcome, endedAt, why, drill }: WouldBe): string =>
  [
    at.slice(0, 19).replace('T', ' '),
    `${rule} (${cls})`,
    place,
    why.text.zh,
    `held by ${heldBy}`,
    outcome === null ? 'stands' : `${outcome} ${endedAt?.slice(11, 19) ?? ''}`.trim(),
    drill ? '演练 drill' : '',
  ]
    .filter((word) => word !== '')
    .join('  ')
