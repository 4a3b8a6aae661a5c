import { GanglionError } from '../base/errors.ts'
import { printHelp, runCommand, type Command } from './command.ts'

/** One word of `ganglion rules`: one file in commands/rules/. */
const words: Readonly<Record<string, () => Promise<{ readonly default: Command }>>> = {
  test: () => import('./rules/test.ts'),
  shadow: () => import('./rules/shadow.ts'),
  promote: () => import('./rules/promote.ts'),
  demote: () => import('./rules/demote.ts'),
  review: () => import('./rules/review.ts'),
  'go-live': () => import('./rules/go-live.ts'),
  filing: () => import('./rules/filing.ts'),
  backtest: () => import('./rules/backtest.ts'),
  change: () => import('./rules/change.ts'),
}

/** `ganglion rules <word>`: try rules, and decide which of them speak. */
const rules: Command = {
  name: 'rules',
  summary: `try rules and decide which speak: rules ${Object.keys(words).join(' | ')}`,
  async run([word = 'help', ...rest]) {
    if (word === 'help' || word === '--help') {
      await printHelp('help', words)
      return 0
    }
    const load = Object.hasOwn(words, word) ? words[word] : undefined
    if (!load) {
      throw new GanglionError('usage', `unknown word "${word}"; known are ${Object.keys(words).join(', ')}`)
    }
    return runCommand((await load()).default, rest)
  },
}
export default rules
