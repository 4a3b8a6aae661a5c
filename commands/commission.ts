import { GanglionError } from '../base/errors.ts'
import { printHelp, runCommand, type Command } from './command.ts'

/** One word of `ganglion commission`: one file in commands/commission/. */
const words: Readonly<Record<string, () => Promise<{ readonly default: Command }>>> = {
  ports: () => import('./commission/ports.ts'),
  scan: () => import('./commission/scan.ts'),
  heard: () => import('./commission/heard.ts'),
  point: () => import('./commission/point.ts'),
  drill: () => import('./commission/drill.ts'),
  replace: () => import('./commission/replace.ts'),
  accept: () => import('./commission/accept.ts'),
  record: () => import('./commission/record.ts'),
}

/** `ganglion commission <word>`: from a device in its box on the wall to one that is accepted. */
const commission: Command = {
  name: 'commission',
  summary: `find, try, replace and accept devices: commission ${Object.keys(words).join(' | ')}`,
  async run([word = 'help', ...rest]) {
    if (word === 'help' || word === '--help') {
      await printHelp('help', words)
      return 0
    }
    const load = Object.hasOwn(words, word) ? words[word] : undefined
    if (!load)
      throw new GanglionError('usage', `unknown word "${word}"; known are ${Object.keys(words).join(', ')}`)
    return runCommand((await load()).default, rest)
  },
}
export default commission
