import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { mainFile } from '../commands/rooms.ts'
import type { Case } from '../gateway/case.ts'
import type { WhyNot } from '../gateway/why-not.ts'
import type { WhyAnswer } from '../gateway/why-desk.ts'
import { dial, makeBox, SMOKE, smokePayload, startBox, type BoxProcess, type TestBox } from './box-rig.ts'

/** A command as a user gives it. */
async function ganglion(box: TestBox, ...words: string[]): Promise<{ code: unknown; output: string }> {
  const child = spawn(process.execPath, [mainFile, ...words, '--box', box.folder, '--data', box.dataFolder])
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => (output += text.toString()))
  const [code] = (await once(child, 'close')) as unknown[]
  return { code, output }
}

async function casesOf(gateway: BoxProcess): Promise<readonly Case[]> {
  const answer = await fetch(`http://127.0.0.1:${gateway.box.ports.api}/api/cases`, {
    headers: { authorization: `Bearer ${gateway.token()}` },
  })
  return (await answer.json()) as readonly Case[] // our own API
}

/** A shed whose protector stays under its limit of 500 mA, and whose smoke alarm has alarmed. */
async function nearlyLeaking(t: TestContext): Promise<{ box: TestBox; gateway: BoxProcess }> {
  const box = await makeBox(t, {
    shed: () => [
      { id: 'leak', profile: 'own-leak', via: { mqtt: {} } },
      { id: 'mute', profile: 'own-leak', via: { mqtt: {} } },
    ],
    profiles: {
      'own-leak': {
        vendor: 'test',
        model: 'test',
        name: { zh: '漏电', en: 'leak' },
        codec: 'json',
        power: 'mains',
        reportsEvery: '1 min',
        points: { residualCurrent: { from: 'ma' } },
        examples: [{ payload: { ma: 30 }, gives: { residualCurrent: 30 } }],
      },
    },
  })
  const gateway = await startBox(t, box)
  const leak = await dial(t, box, 'leak')
  for (const ma of [120, 480, 90, 99_999]) await leak.say('ganglion/shed/leak/up', { ma })
  const bridge = await dial(t, box, 'z2m')
  await bridge.say(SMOKE, smokePayload(false))
  await bridge.say(SMOKE, smokePayload(true))
  return { box, gateway }
}

test('why tells the rule with version and hash, what decided it and what was seen before', async (t) => {
  const { box, gateway } = await nearlyLeaking(t)
  const found = (await casesOf(gateway)).find((one) => one.class === 'smoke')
  const { code, output } = await ganglion(box, 'why', found?.key.slice(0, 10) ?? '', '--json')
  assert.equal(code, 0, output)
  const answer = JSON.parse(output) as WhyAnswer
  assert.equal(answer.case.key, found?.key)
  assert.match(answer.case.why.ruleHash ?? '', /^[0-9a-f]{64}$/)
  assert.deepEqual(
    answer.timeline.map(({ deviceId, quantity, rows }) => [
      deviceId,
      quantity,
      rows.map(({ value }) => value),
    ]),
    [['smoke', 'smoke', [false, true]]],
  )
  const told = await ganglion(box, 'why', found?.key ?? '')
  assert.match(told.output, /rule smoke version 1/)
})

test('why-not tells how near each rule came, which devices were silent and what was not believed', async (t) => {
  const { box } = await nearlyLeaking(t)
  const { code, output } = await ganglion(box, 'why-not', 'shed', 'leakage', '--json')
  assert.equal(code, 0, output)
  const { rules, cases } = JSON.parse(output) as WhyNot
  assert.deepEqual(cases, [])
  const near = rules.find(({ rule, place }) => rule === 'residual-current' && place === 'shed/leak')
  assert.equal(near?.reason, 'not-met')
  assert.equal(near.readings, 4)
  assert.equal(near.bad, 1)
  assert.deepEqual(
    near.nearest.map(({ value, margin, unit, met }) => ({ value, margin, unit, met })),
    [{ value: 480, margin: -20, unit: 'mA', met: false }],
  )
  assert.equal(rules.find(({ place }) => place === 'shed/mute')?.reason, 'silence')
})

test('why-not names the case where there was one', async (t) => {
  const { box, gateway } = await nearlyLeaking(t)
  const [found] = await casesOf(gateway)
  const { output } = await ganglion(box, 'why-not', 'shed', 'smoke')
  assert.match(output, new RegExp(`case ${found?.key.slice(0, 12) ?? ''} in shed/smoke`))
  assert.match(output, /there was a case/)
})

test('the questions are answered from the data folder when the gateway does not run', async (t) => {
  const { box, gateway } = await nearlyLeaking(t)
  const [found] = await casesOf(gateway)
  await gateway.end()
  const why = await ganglion(box, 'why', found?.key ?? '')
  assert.equal(why.code, 0, why.output)
  assert.match(why.output, /smoke true/)
  const whyNot = await ganglion(box, 'why-not', 'shed', 'leakage')
  assert.equal(whyNot.code, 0, whyNot.output)
  assert.match(whyNot.output, /20 mA short/)
})

test('a question that cannot be answered says what is known', async (t) => {
  const box = await makeBox(t)
  await startBox(t, box)
  for (const [words, wanted] of [
    [['why', 'abcdef'], /no case with the key "abcdef"/],
    [['why-not', 'shed', 'flood'], /they can raise .*smoke/],
    [['why-not', 'nowhere', 'smoke'], /no site "nowhere"/],
    [['why-not', 'shed', 'smoke', 'yesterday'], /wanted an RFC 3339 time; got "yesterday"/],
  ] as const) {
    const { code, output } = await ganglion(box, ...words)
    assert.notEqual(code, 0)
    assert.match(output, wanted)
  }
})
