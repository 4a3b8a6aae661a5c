import type { Duration } from '../base/clock.ts'
import type { Judgement } from './judge.ts'

export interface Suite {
  readonly name: string
  readonly took: Duration
  readonly judgements: readonly Judgement[]
}

/** A JUnit report: one test case for each thing that was judged. */
export function junit({ name, took, judgements }: Suite): string {
  const failed = judgements.filter((judgement) => judgement.differences.length > 0).length
  const lines = judgements.map(({ name: title, differences }) => {
    const open = `    <testcase classname="${escaped(name)}" name="${escaped(title)}"`
    if (differences.length === 0) return `${open}/>`
    const first = escaped(differences[0] ?? '')
    return `${open}>\n      <failure message="${first}">${escaped(differences.join('\n'))}</failure>\n    </testcase>`
  })
  const counts = `tests="${judgements.length}" failures="${failed}" time="${(took / 1000).toFixed(3)}"`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `  <testsuite name="${escaped(name)}" ${counts}>`,
    ...lines,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
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
