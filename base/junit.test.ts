import assert from 'node:assert/strict'
import { test } from 'node:test'
import { junit } from './junit.ts'

test('each judgement is a test case, and a difference is a failure with all its lines', () => {
  const xml = junit([
    {
      name: 'fire-lane',
      took: 12_345,
      judgements: [
        { name: 'wanted: smoke', differences: [] },
        { name: 'forbidden: any other case', differences: ['forbidden: a', 'forbidden: b'] },
      ],
    },
  ])
  assert.match(xml, /^<\?xml version="1\.0" encoding="UTF-8"\?>\n/)
  assert.match(xml, /<testsuite name="fire-lane" tests="2" failures="1" time="12\.345">/)
  assert.match(xml, /<testcase classname="fire-lane" name="wanted: smoke"\/>/)
  assert.match(xml, /<failure message="forbidden: a">forbidden: a\nforbidden: b<\/failure>/)
})

test('what XML reserves or cannot say at all does not break the report', () => {
  const xml = junit([
    {
      name: '<&">',
      took: 0,
      judgements: [{ name: "it's \u0000 <b>", differences: ['a & b'] }],
    },
  ])
  assert.match(xml, /name="&lt;&amp;&quot;&gt;"/)
  assert.match(xml, /name="it&apos;s \uFFFD &lt;b&gt;"/)
  assert.match(xml, /a &amp; b/)
})
