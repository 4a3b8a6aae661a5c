import { codeOf, GanglionError, isGanglionError, messageOf } from '../base/errors.ts'

/** One word of the command line: one file in commands/. */
export interface Command {
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** The answer is the exit code. */
  run(words: string[]): Promise<number>
}

/** Exit code of a wrong command line or a wrong file. */
const WRONG = 2

export const say = (line: string): void => void process.stdout.write(`${line}\n`)

export const complain = (line: string): void => void process.stderr.write(`${line}\n`)

/** Runs a command; what it throws on purpose becomes readable lines and an exit code. */
export async function runCommand(command: Command, words: string[]): Promise<number> {
  try {
    return await command.run(words)
  } catch (error) {
    const wrong = isUsage(error)
      ? new GanglionError('usage', messageOf(error), { hint: command.summary })
      : error
    if (!isGanglionError(wrong)) throw wrong
    complain(`ganglion ${command.name}: ${wrong.code}\n${wrong.message}`)
    if (wrong.hint !== undefined) complain(wrong.hint)
    const isInput = wrong.code === 'usage' || wrong.code.startsWith('config-')
    return isInput ? WRONG : 1
  }
}

/** What node:util's parseArgs throws for an unknown or incomplete option. */
const isUsage = (error: unknown): boolean => codeOf(error).startsWith('ERR_PARSE_ARGS')

export async function printHelp(
  name: string,
  commands: Readonly<Record<string, () => Promise<{ readonly default: Command }>>>,
): Promise<void> {
  if (name !== 'help' && name !== '--help') complain(`ganglion: unknown command "${name}"`)
  say('ganglion <command>\n')
  for (const [word, load] of Object.entries(commands))
    say(`  ${word.padEnd(10)} ${(await load()).default.summary}`)
}
