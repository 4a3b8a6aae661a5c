import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'

/**
 * `npm test`: type check, lint and every `*.test.ts`, side by side where the cores allow it. Words after `--` narrow
 * the test files by a part of their path. The last line is `N passed, N failed, N skipped`.
 */

const root = join(import.meta.dirname, '..')
const bin = (name: string): string => join(root, 'node_modules/.bin', name)

interface Done {
  readonly code: number
  readonly output: string
}

function run(command: string, words: readonly string[], show: boolean): Promise<Done> {
  return new Promise((resolve) => {
    const child = spawn(command, words, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const take = (chunk: Buffer): void => {
      output += chunk.toString()
      if (show) process.stdout.write(chunk)
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

async function check(name: string, command: string, words: readonly string[]): Promise<boolean> {
  const began = performance.now()
  const { code, output } = await run(command, words, false)
  if (code !== 0) process.stdout.write(`${output}\n`)
  process.stdout.write(
    `${code === 0 ? '✔' : '✖'} ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)\n`,
  )
  return code === 0
}

const narrow = process.argv.slice(2)
const files = globSync('**/*.test.ts', {
  cwd: root,
  exclude: (path) => path.startsWith('node_modules') || path.startsWith('data'),
})
  .filter((file) => narrow.length === 0 || narrow.some((part) => file.includes(part)))
  .sort()
if (files.length === 0) {
  process.stdout.write('no test file fits\n0 passed, 1 failed, 0 skipped\n')
  process.exit(1)
}

const checks =
  narrow.length > 0
    ? []
    : [
        await check('types', bin('node'), [bin('tsc'), '--noEmit']),
        await check('lint', bin('node'), [
          bin('eslint'),
          '.',
          '--cache',
          '--cache-location',
          'node_modules/.cache/eslint/',
        ]),
        await check('format', bin('node'), [bin('prettier'), '--check', '--log-level', 'warn', '.']),
      ]
const concurrency = Math.max(2, availableParallelism())
const tests = await run(
  bin('node'),
  ['--test', `--test-concurrency=${concurrency}`, '--test-reporter=spec', '--test-timeout=120000', ...files],
  true,
)
const count = (word: string): number =>
  Number(new RegExp(`^ℹ ${word} (\\d+)$`, 'm').exec(tests.output)?.[1] ?? 0)
const failedChecks = checks.filter((isRight) => !isRight).length
const passed = count('pass') + checks.length - failedChecks
// A runner that died without counting is a failure, whatever it printed.
const failed =
  count('fail') +
  count('cancelled') +
  failedChecks +
  (tests.code !== 0 && count('fail') + count('cancelled') === 0 ? 1 : 0)
process.stdout.write(`${passed} passed, ${failed} failed, ${count('skipped')} skipped\n`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0
