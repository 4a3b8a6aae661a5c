import type { Duration } from './clock.ts'

/** One thing that was judged. */
export interface Judged {
  readonly name: string
  /** What differs, one line each; empty when all is as wanted. */
  readonly differences: readonly string[]
}

export interface Suite {
  readonly name: string
  readonly took: Duration
  readonly judgements: readonly Judged[]
}

/** A JUnit report: one test case for each thing that was judged. */
export function junit(suites: readonly Suite[]): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts(suites)}>`,
    ...suites.flatMap(suiteLines),
    '</testsuites>',
    '',
  ].join('\n')
}

function suiteLines(suite: Suite): readonly string[] {
  const name = escaped(suite.name)
  const cases = suite.judgements.map(({ name: title, differences }) => {
    const open = `    <testcase classname="${name}" name="${escaped(title)}"`
    if (differences.length === 0) return `${open}/>`
    const first = escaped(differences[0] ?? '')
    return `${open}>\n      <failure message="${first}">${escaped(differences.join('\n'))}</failure>\n    </testcase>`
  })
  return [`  <testsuite name="${name}" ${counts([suite])}>`, ...cases, '  </testsuite>']
}

function counts(suites: readonly Suite[]): string {
  const all = suites.flatMap(({ judgements }) => judgements)
  const failed = all.filter(({ differences }) => differences.length > 0).length
  const took = suites.reduce((sum, suite) => sum + suite.took, 0)
  return `tests="${all.length}" failures="${failed}" time="${(took / 1000).toFixed(3)}"`
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

// XML 1.0 has no place for most control characters, not even escaped.
const escaped = (text: string): string =>
  Array.from(text, (char) => {
    const code = char.codePointAt(0) ?? 0
    return code < 0x20 && code !== 0x09 && code !== 0x0a ? '\uFFFD' : (entities[char] ?? char)
  }).join('')
