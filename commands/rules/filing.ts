import { parseArgs } from 'node:util'
import { systemClock } from '../../base/clock.ts'
import { FilingLedger } from '../../gateway/filing-ledger.ts'
import { RuleModes } from '../../gateway/rule-modes.ts'
import { say, type Command } from '../command.ts'
import { folderOptions, foldersOf, withStored } from './folders.ts'

/** 立案率: what part of its cases the platform files, for each rule at each site. */
const filing: Command = {
  name: 'rules filing',
  summary: 'what part of their cases the platform files: rules filing [--box <folder>] [--data <folder>]',
  async run(words) {
    const { values } = parseArgs({ args: words, options: folderOptions })
    const lines = await withStored(foldersOf(values), (box, reader) => {
      const limits = box.file.filingRate ?? {}
      const modes = new RuleModes(reader)
      const ledger = new FilingLedger({ clock: systemClock, reader, limits, modes })
      const { decided, limit } = ledger.limits
      return [
        `a rule with ${decided} decided cases and more falls back to shadow below ${percent(limit)}`,
        ...ledger
          .rates()
          .map(({ rule, siteId, filed, refused, rate, reasons }) =>
            [
              rule.padEnd(28),
              siteId.padEnd(20),
              `${percent(rate)} (${filed} filed, ${refused} refused)`,
              ...reasons.map(
                ({ reason, cases }) => `${reason === '' ? 'no reason given' : reason} × ${cases}`,
              ),
            ].join('  '),
          ),
      ]
    })
    for (const line of lines) say(line)
    return 0
  },
}
export default filing

const percent = (part: number): string => `${Math.round(part * 100)} %`
