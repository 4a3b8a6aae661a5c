import { spawn } from 'node:child_process'
import { globSync, mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'

/**
 * `npm run scenarios [-- name …]`: runs every shipped scenario, each with a gateway and a data folder of its own, one
 * after the other, and writes JUnit files beside the bench's output. The demo's endless one is left out.
 */

const root = join(import.meta.dirname, '..')
const folder = join(root, 'bench/out/junit')
const wanted = process.argv.slice(2)
const files = globSync('simulator/scenarios/*.yaml', { cwd: root })
  .filter((file) => basename(file) !== 'demo.yaml')
  .filter((file) => wanted.length === 0 || wanted.some((name) => file.includes(name)))
  .sort()

function run(file: string): Promise<boolean> {
  const words = ['main.ts', 'simulate', file, '--junit', join(folder, `${basename(file, '.yaml')}.xml`)]
  const child = spawn(process.execPath, words, { cwd: root, stdio: 'inherit' })
  return new Promise((resolve) => child.on('exit', (code) => resolve(code === 0)))
}

mkdirSync(folder, { recursive: true })
let passed = 0
for (const file of files) if (await run(file)) passed++
process.stdout.write(`scenarios: ${passed} passed, ${files.length - passed} failed\n`)
process.exitCode = passed === files.length && passed > 0 ? 0 : 1
