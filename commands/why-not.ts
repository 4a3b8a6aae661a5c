import { parseArgs } from 'node:util'
import { parseDuration } from '../base/amount.ts'
import { instant, systemClock } from '../base/clock.ts'
import { GanglionError } from '../base/errors.ts'
import type { RuleWhyNot, WhyNot } from '../gateway/why-not.ts'
import { say, type Command } from './command.ts'
import { comparedLine } from './compared-line.ts'
import { folderOptions, foldersOf } from './rules/folders.ts'
import { askWhyNot } from './why-folder.ts'

/** `ganglion why-not <site> <class> [<time>]`: which rules came how near, and what held them back. */
const whyNot: Command = {
  name: 'why-not',
  summary:
    'why there was no case: why-not <site> <class> [<RFC 3339 time>] [--within 2h] [--json] [--box <folder>] [--data <folder>]',
  async run(words) {
    const { values, positionals } = parseArgs({
      args: words,
      allowPositionals: true,
      options: { ...folderOptions, json: { type: 'boolean' }, within: { type: 'string' } },
    })
    const [site, classId, time, ...more] = positionals
    if (site === undefined || classId === undefined || more.length > 0) {
      throw new GanglionError('usage', 'wanted a site, a class and perhaps a time')
    }
    const at = time === undefined ? systemClock.now() : Date.parse(time)
    if (Number.isNaN(at)) throw new GanglionError('usage', `wanted an RFC 3339 time; got "${time ?? ''}"`)
    const within = values.within === undefined ? undefined : parseDuration(values.within)
    const answer = await askWhyNot(foldersOf(values), { site, class: classId, at: instant(at), within })
    if (values.json === true) say(JSON.stringify(answer))
    else for (const line of linesOf(answer)) say(line)
    return 0
  },
}
export default whyNot

const linesOf = ({ siteId, class: classId, from, at, cases, rules, leftOut }: WhyNot): readonly string[] => [
  `${siteId} ${classId}, ${from} to ${at}`,
  ...cases.map(
    ({ key, place, since, clearedAt }) =>
      `case ${key.slice(0, 12)} in ${place} since ${since}${clearedAt === null ? '' : ` until ${clearedAt}`}`,
  ),
  ...rules.flatMap(ruleLines),
  ...(leftOut === 0 ? [] : [`${leftOut} points were left out: ask for a shorter time or another class`]),
]

function ruleLines(rule: RuleWhyNot): readonly string[] {
  const { text, nearest, wantedFor, longestMs, readings, bad, lastAt, held } = rule
  return [
    `${rule.rule} (version ${rule.version}) in ${rule.place}: ${text.zh}; ${text.en}`,
    ...nearest.map((one) => `  ${comparedLine(one)}`),
    ...(wantedFor === null || longestMs === null
      ? []
      : [`  wanted for ${wantedFor}; longest without a break ${Math.round(longestMs / 1000)} s`]),
    `  ${readings} readings, ${bad} not believed${lastAt === null ? '' : `, the last at ${lastAt}`}`,
    ...held.map(
      ({ at, heldBy, endedAt }) =>
        `  held by ${heldBy} from ${at}${endedAt === null ? '' : ` to ${endedAt}`}`,
    ),
  ]
}
