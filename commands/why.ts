import { parseArgs } from 'node:util'
import { GanglionError } from '../base/errors.ts'
import { say, type Command } from './command.ts'
import { comparedLine } from './compared-line.ts'
import { folderOptions, foldersOf } from './rules/folders.ts'
import { askWhy } from './why-folder.ts'

/** So many rows of a point are shown; `--json` has them all. */
const SHOWN_ROWS = 12

/** `ganglion why <case>`: the rule, what decided it and what was seen before. */
const why: Command = {
  name: 'why',
  summary: 'why a case was raised: why <key or its beginning> [--json] [--box <folder>] [--data <folder>]',
  async run(words) {
    const { values, positionals } = parseArgs({
      args: words,
      allowPositionals: true,
      options: { ...folderOptions, json: { type: 'boolean' } },
    })
    const [key] = positionals
    if (key === undefined || positionals.length > 1) {
      throw new GanglionError('usage', 'wanted one key, such as the first column of `ganglion cases --json`')
    }
    const answer = await askWhy(foldersOf(values), key)
    if (values.json === true) say(JSON.stringify(answer))
    else for (const line of linesOf(answer)) say(line)
    return 0
  },
}
export default why

function linesOf({ case: found, timeline }: Awaited<ReturnType<typeof askWhy>>): readonly string[] {
  const { why: reason } = found
  return [
    `${found.className.zh} ${found.className.en} · ${found.place} · ${found.stage}${found.drill ? ' · 演练 drill' : ''}`,
    `since ${found.since}, raised ${found.raisedAt}${found.clearedAt === null ? '' : `, cleared ${found.clearedAt}`}, ${found.count} time(s)`,
    `rule ${reason.rule} version ${reason.ruleVersion}${reason.ruleHash === undefined ? '' : ` (${reason.ruleHash.slice(0, 12)})`}`,
    `  ${reason.text.zh}`,
    `  ${reason.text.en}`,
    ...(reason.conditions ?? []).map((condition) => `  ${comparedLine(condition)}`),
    ...reason.readings.map(({ deviceId, quantity, part, value, unit, at }) =>
      `  ${at} ${deviceId}${part === '' ? '' : `/${part}`} ${quantity} ${String(value)} ${unit}`.trimEnd(),
    ),
    ...reason.detections.map(
      ({ deviceId, zone, label, score, threshold, model }) =>
        `  ${deviceId}/${zone} ${label} ${score} (threshold ${threshold}, ${model})`,
    ),
    ...timeline.flatMap(({ deviceId, part, quantity, rows }) => [
      `before: ${deviceId}${part === '' ? '' : `/${part}`} ${quantity}, ${rows.length} readings`,
      ...rows
        .slice(-SHOWN_ROWS)
        .map(
          ({ at, value, quality }) => `  ${at} ${String(value)}${quality === 'good' ? '' : ` (${quality})`}`,
        ),
    ]),
  ]
}
