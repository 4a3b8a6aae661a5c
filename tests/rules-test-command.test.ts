import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { promisify } from 'node:util'
import { mainFile } from '../commands/rooms.ts'
import { tempFolder, writeFiles } from './fixtures.ts'

/** `ganglion rules test …` as a person calls it. */
async function rulesTest(...words: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [
      mainFile,
      'rules',
      'test',
      ...words,
    ])
    return { code: 0, out: stdout, err: stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string } // of execFile
    return { code, out: stdout, err: stderr }
  }
}

const pack = (clearedAt: string): string => `name: { zh: 试, en: Try }
rules:
  hot: { version: 1, kind: threshold, class: heat, source: x, settings: { quantity: temperature, above: 60 °C }, title: { zh: 热, en: H }, why: { zh: 热, en: Hot } }
tests:
  - name: 60 °C & more
    devices: { a: own }
    series: [{ at: 5 s, a: { temperature: 61 } }, { at: 9 s, a: { temperature: 20 } }]
    expect: [{ at: 5 s, raise: hot, place: a }, { at: ${clearedAt}, clear: hot, place: a }]
  - name: less is none
    devices: { a: own }
    series: [{ at: 5 s, a: { temperature: 59 } }]
    expect: []
`

const profile = `vendor: Test
model: own
name: { zh: 试, en: Own }
codec: json
reportsEvery: 1 h
points: { temperature: { from: t } }
examples: [{ payload: { t: 20 }, gives: { temperature: 20 } }]
`

test('packs are tried by file, with the profiles of a box, and the end is counted', async (t) => {
  const folder = tempFolder(t)
  writeFiles(folder, { 'box/profiles/own.yaml': profile, 'hot.yaml': pack('9 s'), 'cold.yaml': pack('8 s') })
  const [hot, cold, report] = [
    join(folder, 'hot.yaml'),
    join(folder, 'cold.yaml'),
    join(folder, 'report.xml'),
  ]
  const box = ['--box', join(folder, 'box')]

  const passed = await rulesTest(hot, ...box)
  assert.deepEqual([passed.code, passed.out, passed.err], [0, 'hot: 2 tests\n2 passed, 0 failed\n', ''])

  const failed = await rulesTest(hot, cold, ...box, '--junit', report)
  assert.equal(failed.code, 1)
  assert.match(
    failed.out,
    /^ {2}FAIL 60 °C & more\n.*cold\.yaml:8: wanted clear hot in a at 8 s; it came at 9 s$/m,
  )
  assert.match(failed.out, /\n3 passed, 1 failed\n$/)
  const xml = readFileSync(report, 'utf8')
  assert.match(xml, /<testsuites tests="4" failures="1"/)
  assert.match(xml, /<testsuite name="hot" tests="2" failures="0"/)
  assert.match(
    xml,
    /<testcase classname="cold" name="60 °C &amp; more">\n *<failure message=".*came at 9 s">/,
  )
})

test('a pack that is wrong, or that nobody knows, is said and not tried', async (t) => {
  const folder = tempFolder(t)
  writeFiles(folder, { 'hot.yaml': pack('9 s') })
  const wrong = await rulesTest(join(folder, 'hot.yaml'))
  assert.equal(wrong.code, 2)
  assert.match(wrong.err, /hot\.yaml:6 \/tests\/0\/devices\/a: unknown profile "own"/)
  const unknown = await rulesTest('ebikeshed')
  assert.deepEqual([unknown.code, /unknown pack "ebikeshed"; known are box, /.test(unknown.err)], [2, true])
})
