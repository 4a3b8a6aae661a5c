import { parseArgs } from 'node:util'
import { GanglionError } from '../../base/errors.ts'
import type { RuleMode } from '../../gateway/rule-modes.ts'
import { say, type Command } from '../command.ts'
import { folderOptions, foldersOf, thisUser, withDecisions } from './folders.ts'

/** `promote` and `demote` differ in one word. */
export function modeCommand(name: string, mode: RuleMode, what: string): Command {
  return {
    name: `rules ${name}`,
    summary: `${what}: rules ${name} <rule> [--site <site>] [--by <name>] [--reason <text>] [--box <folder>] [--data <folder>]`,
    async run(words) {
      const { values, positionals } = parseArgs({
        args: words,
        allowPositionals: true,
        options: {
          ...folderOptions,
          site: { type: 'string' },
          by: { type: 'string' },
          reason: { type: 'string' },
        },
      })
      const [rule] = positionals
      if (rule === undefined || positionals.length > 1) {
        throw new GanglionError('usage', `wanted one rule: ganglion rules ${name} <rule>`)
      }
      const { site, by = thisUser(), reason = '' } = values
      await withDecisions(foldersOf(values), (desk) => desk.decideMode({ rule, site, mode, by, reason }))
      say(`${rule} ${site === undefined ? 'at every site' : `at ${site}`}: ${mode} (${by})`)
      return 0
    },
  }
}
