import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Environment } from '@marcbachmann/cel-js'
import fc from 'fast-check'
import type { Value } from '../gateway/reading.ts'
import type { QuantityId } from '../gateway/quantity.ts'
import { compileCondition, soundCondition, type Condition } from './condition.ts'
import type { Frame } from './condition-nodes.ts'

type Values = Partial<Record<QuantityId, Value>>

const frameOf = ({ wants }: Condition, values: Values, atLimit: readonly QuantityId[] = []): Frame => ({
  values: wants.map((quantity) => values[quantity]),
  atLimit: wants.map((quantity) => atLimit.includes(quantity)),
  hasLimit: wants.some((quantity) => atLimit.includes(quantity)),
})

function judge(text: string, values: Values, atLimit: readonly QuantityId[] = []): unknown {
  const condition = soundCondition(text, { most: '1000 W' })
  return condition.judge([frameOf(condition, values, atLimit)])
}

const complaintsOf = (text: string, limits = {}): readonly string[] => {
  const compiled = compileCondition(text, limits)
  return compiled.ok ? [] : compiled.complaints
}

test('numbers are compared with limits in their own unit', () => {
  assert.equal(judge('portTemperature >= 70 °C', { portTemperature: 70 }), true)
  assert.equal(judge('portTemperature >= 70 ℃', { portTemperature: 69.9 }), false)
  assert.equal(judge('residualCurrent > 300mA', { residualCurrent: 301 }), true)
  assert.equal(judge('battery < 20 % || smoke', { battery: 19, smoke: false }), true)
  assert.equal(judge('70 °C <= portTemperature', { portTemperature: 80 }), true)
  assert.equal(judge('portSeconds > 10 h', { portSeconds: 36_001 }), true)
  assert.equal(judge('portTemperature - temperature > 20 °C', { portTemperature: 60, temperature: 30 }), true)
  assert.equal(judge('portPower / power > 0.5', { portPower: 600, power: 1000 }), true)
  assert.equal(judge('temperature > -5 °C', { temperature: -4 }), true)
  assert.equal(judge('arcCount >= 14', { arcCount: 14 }), true)
})

test('texts and booleans are compared as they are', () => {
  assert.equal(
    judge("portState == 'charging' && !doorOpen", { portState: 'charging', doorOpen: false }),
    true,
  )
  assert.equal(judge("portState in ['full', 'fault']", { portState: 'full' }), true)
  assert.equal(judge("portState.startsWith('fault')", { portState: 'fault-7' }), true)
  assert.equal(judge('doorOpen != smoke', { doorOpen: true, smoke: false }), true)
  assert.equal(judge('smoke ? heat : doorOpen', { smoke: false, heat: false, doorOpen: true }), true)
})

test('a site names its own numbers', () => {
  assert.equal(judge('portPower > most', { portPower: 1001 }), true)
  assert.deepEqual(soundCondition('portPower > most', { most: '900 W' }).names, ['most'])
  assert.deepEqual(complaintsOf('portPower > most', { most: '900 °C' }), [
    'portPower is measured in W; got "most"',
  ])
  assert.deepEqual(complaintsOf('portPower > most', { most: 'much' }), [
    'limit "most": wanted a number with its unit such as "60 °C"; got "much"',
  ])
})

test('what is missing or not believed is unknown, and unknown is neither true nor false', () => {
  assert.equal(judge('portPower > 5 W', {}), 'unknown')
  assert.equal(judge('!(portPower > 5 W)', {}), 'unknown')
  assert.equal(judge('smoke || portPower > 5 W', { smoke: true }), true)
  assert.equal(judge('portPower > 5 W || smoke', { smoke: true }), true)
  assert.equal(judge('smoke || portPower > 5 W', { smoke: false }), 'unknown')
  assert.equal(judge('smoke && portPower > 5 W', { smoke: false }), false)
  assert.equal(judge('portPower > 5 W && smoke', { smoke: false }), false)
  assert.equal(judge('portPower > 5 W && smoke', { smoke: true }), 'unknown')
  assert.equal(judge('doorOpen ? smoke : smoke', { smoke: true }), true)
  assert.equal(judge('portPower / power > 0.5', { portPower: 5, power: 0 }), 'unknown')
  assert.equal(judge('portPower * 0 > 5 W', {}), 'unknown')
})

test('"this or more" is over every limit and below none', () => {
  const at250 = (text: string): unknown => judge(text, { residualCurrent: 250 }, ['residualCurrent'])
  assert.equal(at250('residualCurrent >= 500 mA'), true)
  assert.equal(at250('residualCurrent > 500 mA'), true)
  assert.equal(at250('500 mA < residualCurrent'), true)
  assert.equal(at250('residualCurrent < 500 mA'), false)
  assert.equal(at250('!(residualCurrent > 500 mA)'), false)
  assert.equal(at250('residualCurrent == 250 mA'), 'unknown')
  assert.equal(at250('300 mA - residualCurrent < 0 mA'), true)
  assert.equal(at250('residualCurrent * -1 < -500 mA'), true)
  assert.equal(at250('residualCurrent - residualCurrent > 0 mA'), 'unknown')
  assert.equal(at250('100 / (residualCurrent / 1 mA) > 1'), 'unknown')
})

test('a comparison holds for any device, and below a "not" for none', () => {
  const over = soundCondition('portPower > 1000 W')
  const ports = [{ portPower: 400 }, { portPower: 1200 }].map((values) => frameOf(over, values))
  assert.equal(over.judge(ports), true)
  assert.equal(over.judge(ports.slice(0, 1)), false)
  assert.equal(over.judge([]), 'unknown')
  assert.equal(over.judge([...ports.slice(0, 1), frameOf(over, {})]), 'unknown')
  const none = soundCondition('!(portPower > 1000 W)')
  assert.equal(none.judge(ports), false)
  assert.equal(none.judge(ports.slice(0, 1)), true)
  const more = [...ports, frameOf(over, { portPower: 1500 })]
  assert.equal(over.explain(more)[0]?.margin, 200, 'the first that holds')
  const open = soundCondition('doorOpen')
  const doors = [false, true].map((doorOpen) => frameOf(open, { doorOpen }))
  assert.deepEqual(open.explain(doors), [{ text: 'doorOpen', value: true, unit: '', met: true }])
})

test('each comparison says what it came to', () => {
  const condition = soundCondition(
    "portTemperature >= 70 °C && (70.5 W < portPower || !doorOpen) && portState == 'on'",
  )
  const frame = frameOf(condition, { portTemperature: 70.3, portPower: 60.2, doorOpen: false })
  assert.deepEqual(condition.explain([frame]), [
    { text: 'portTemperature >= 70 °C', value: 70.3, threshold: 70, margin: 0.3, unit: '°C', met: true },
    { text: '70.5 W < portPower', value: 60.2, threshold: 70.5, margin: -10.3, unit: 'W', met: false },
    { text: '!doorOpen', value: false, unit: '', met: true },
    { text: "portState == 'on'", threshold: 'on', unit: '', met: false },
  ])
  const denied = soundCondition('!(portPower > 5 W && (portCurrent + 1 A) * 2 > 8 A)')
  assert.deepEqual(denied.explain([frameOf(denied, { portPower: 9, portCurrent: 1 })]), [
    { text: '!(portPower > 5 W)', value: 9, threshold: 5, margin: -4, unit: 'W', met: false },
    { text: '!((portCurrent + 1 A) * 2 > 8 A)', value: 4, threshold: 8, margin: 4, unit: 'A', met: true },
  ])
  const leak = soundCondition('residualCurrent >= 500 mA')
  assert.deepEqual(leak.explain([frameOf(leak, { residualCurrent: 250 }, ['residualCurrent'])]), [
    { text: 'residualCurrent >= 500 mA', value: 250, threshold: 500, unit: 'mA', met: true },
  ])
})

test('mistakes are named with what was meant', () => {
  const wrong: [string, string][] = [
    ['portTemprature > 70 °C', 'unknown quantity "portTemprature"; did you mean "portTemperature"?'],
    ['portTemperature > 70', 'portTemperature is measured in °C; got "70"; did you mean "70 °C"?'],
    ['portTemperature > 70 W', 'portTemperature is measured in °C; got "70 W"'],
    ['portTemperature > 700 °C', 'portTemperature lies between -40 and 200 °C; got "700 °C"'],
    ['portTemperature > 70 C', 'unknown unit "C"; did you mean "°C"?'],
    ['portVoltage * portCurrent > 50 W', 'V × A is no unit of the table'],
    ['portPower + portVoltage > 50 W', 'portPower is measured in W; got "portVoltage"'],
    ['smoke > 5', '"smoke > 5" compares true or false with a number by >'],
    ["portState > 'a'", `"portState > 'a'" compares a text with a text by >`],
    ['portPower', '"portPower" is a number; wanted something true or false'],
    ['1 < 2', 'it asks for no quantity'],
    ['portPower > 1 W &&', 'character 19: Unexpected token: EOF'],
    ["portState.matches('^(a+)+$')", 'there is no function "matches" (a pattern could run for seconds)'],
    ['[1, 2].exists(x, x > 1)', 'there is no function "exists"'],
    ["size('a') > 1", 'there is no function "size"'],
    ['has(portState.a)', 'there is no function "has"'],
    ['cel.bind(x, smoke, x)', 'there is no function "bind"'],
    ["timestamp('2026-01-01T00:00:00Z') > portState", 'there is no function "timestamp"'],
    ['portState in portState', `wanted a list such as ['a', 'b'] after "in"`],
    ["portPower in ['a']", `"'a'" in the list is no a number to compare with`],
    ['battery % 2 == 0', 'there is no remainder of doubles'],
    ['{smoke: true}.smoke', 'too long or too deep'],
    ["'''it''' == portState", 'write a text in plain quotes'],
    ["r'it' == portState", 'write a text in plain quotes'],
    ['null == portState', '"null" is no number, text, true or false'],
    [`smoke${' && smoke'.repeat(80)}`, 'wanted at most 500 characters'],
    [`${'('.repeat(60)}smoke${')'.repeat(60)}`, 'too long or too deep'],
  ]
  for (const [text, complaint] of wrong) {
    const said = complaintsOf(text)
    assert.ok(said[0]?.startsWith(complaint), `${text}: ${said.join(' | ')}`)
  }
})

test('no text makes the compiler throw or take long', () => {
  const words = [
    'smoke',
    'portPower',
    '>',
    '70',
    '°C',
    'W',
    '(',
    ')',
    '&&',
    '!',
    "'",
    '"',
    '.matches(',
    '1e9',
    'in',
    '[',
    ']',
    '%',
    '-',
    ' ',
  ]
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 60 }),
    fc.array(fc.constantFrom(...words), { maxLength: 40 }).map((all) => all.join(' ')),
  )
  fc.assert(fc.property(text, (one) => void compileCondition(one)))
})

/** Random conditions over a number, a boolean and a text, with every value known. */
const { condition: anyCondition } = fc.letrec<{ condition: string; number: string }>((tie) => ({
  number: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom('portPower', 'power', '3.5 W', '10 W', '0 W'),
    fc
      .tuple(tie('number'), fc.constantFrom('+', '-'), tie('number'))
      .map(([a, op, b]) => `(${a} ${op} ${b})`),
    tie('number').map((a) => `-(${a})`),
    tie('number').map((a) => `(${a} * 2.5)`),
  ),
  condition: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(
      'smoke',
      'doorOpen',
      "portState == 'on'",
      "portState in ['on', 'off']",
      "portState.contains('f')",
      'smoke != doorOpen',
    ),
    fc
      .tuple(tie('number'), fc.constantFrom('<', '<=', '>', '>=', '==', '!='), tie('number'))
      .map(([a, op, b]) => `${a} ${op} ${b}`),
    fc
      .tuple(tie('condition'), fc.constantFrom('&&', '||'), tie('condition'))
      .map(([a, op, b]) => `(${a} ${op} ${b})`),
    tie('condition').map((a) => `!(${a})`),
    fc.tuple(tie('condition'), tie('condition'), tie('condition')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
  ),
}))

const everything = fc.record({
  portPower: fc.integer({ min: 0, max: 40 }).map((tens) => tens / 4),
  power: fc.integer({ min: -20, max: 20 }).map((tens) => tens / 4),
  smoke: fc.boolean(),
  doorOpen: fc.boolean(),
  portState: fc.constantFrom('on', 'off', 'fault'),
})

const cel = new Environment({ limits: { maxDepth: 100 } })
  .registerVariable('portPower', 'double')
  .registerVariable('power', 'double')
  .registerVariable('smoke', 'bool')
  .registerVariable('doorOpen', 'bool')
  .registerVariable('portState', 'string')

test('where every value is known a condition comes out as CEL says', () => {
  fc.assert(
    fc.property(anyCondition, everything, (text, values) => {
      const compiled = compileCondition(text)
      fc.pre(compiled.ok)
      const { condition } = compiled
      const doubles = text.replaceAll(' W', '').replaceAll(/(?<![\d.])(\d+)(?![\d.])/g, '$1.0')
      assert.equal(condition.judge([frameOf(condition, values)]), cel.evaluate(doubles, values))
    }),
    { numRuns: 500 },
  )
})

test('a condition is unknown only where a missing value could decide it', () => {
  const keys = ['portPower', 'power', 'smoke', 'doorOpen', 'portState'] as const
  fc.assert(
    fc.property(
      anyCondition,
      everything,
      everything,
      fc.subarray([...keys]),
      (text, values, others, missing) => {
        const compiled = compileCondition(text)
        fc.pre(compiled.ok)
        const { condition } = compiled
        const hidden = frameOf(condition, {
          ...values,
          ...Object.fromEntries(missing.map((key) => [key, undefined])),
        })
        const judged = condition.judge([hidden])
        if (judged === 'unknown') return
        const other = { ...values, ...Object.fromEntries(missing.map((key) => [key, others[key]])) }
        assert.equal(condition.judge([frameOf(condition, other)]), judged)
      },
    ),
    { numRuns: 500 },
  )
})
