import { parseArgs } from 'node:util'
import { isoTime } from '../../base/clock.ts'
import { modesOf, RuleModes } from '../../gateway/rule-modes.ts'
import { countWouldBe, type WouldBeCount } from '../../gateway/would-be.ts'
import { say, type Command } from '../command.ts'
import { folderOptions, foldersOf, withStored } from './folders.ts'

/** Which rules only count their would-be cases, who said so, and how many there were. */
const shadow: Command = {
  name: 'rules shadow',
  summary:
    'rules in shadow and their would-be cases: rules shadow [--site <site>] [--box <folder>] [--data <folder>]',
  async run(words) {
    const { values } = parseArgs({ args: words, options: { ...folderOptions, site: { type: 'string' } } })
    const lines = await withStored(foldersOf(values), (box, reader) => {
      const counts = countWouldBe(reader, { siteId: values.site }).filter(({ heldBy }) => heldBy === 'shadow')
      return modesOf(box, new RuleModes(reader))
        .filter(({ siteId }) => values.site === undefined || siteId === values.site)
        .map(({ rule, siteId, mode, decision }) =>
          [
            rule.padEnd(28),
            siteId.padEnd(20),
            mode.padEnd(6),
            decision ? `${isoTime(decision.at)} ${decision.by}` : 'by its files',
            decision?.reason ?? '',
            countText(counts.find((count) => count.rule === rule && count.siteId === siteId)),
          ]
            .filter((word) => word !== '')
            .join('  '),
        )
    })
    for (const line of lines) say(line)
    if (lines.length === 0) say('no rule is in shadow')
    return 0
  },
}
export default shadow

const countText = (count: WouldBeCount | undefined): string =>
  `${count?.count ?? 0} would-be cases, ${count?.held ?? 0} of them stand now`
