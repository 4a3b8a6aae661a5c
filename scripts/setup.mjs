// Set-up of a fresh clone: packages when they are missing or older than the lock file, then the detector's weights.
// Runs under whatever Node the machine has; everything after it runs under the Node of node_modules.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const began = Date.now()

function step(name, command, args) {
  process.stdout.write(`set-up: ${name} …\n`)
  const start = Date.now()
  const done = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  if (done.status !== 0) {
    process.stderr.write(`set-up: ${name} failed${done.error ? `: ${done.error.message}` : ''}\n`)
    process.exit(1)
  }
  process.stdout.write(`set-up: ${name}: ${((Date.now() - start) / 1000).toFixed(1)} s\n`)
}

const installed = join(root, 'node_modules/.package-lock.json')
const lock = join(root, 'package-lock.json')
if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lock).mtimeMs) {
  step('packages (npm ci)', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
}
const node = join(root, 'node_modules/.bin/node')
if (!existsSync(node)) {
  process.stderr.write(
    `set-up: no Node for ${process.platform} ${process.arch}: Ganglion runs on Linux x64 and arm64\n`,
  )
  process.exit(1)
}
// It knows by its hash whether the file is there already, and then takes no time.
step('detector weights → ONNX', node, ['models/convert-centernet.ts'])
if (Date.now() - began > 1000) process.stdout.write('set-up: done\n')
