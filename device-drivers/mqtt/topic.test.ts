import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isBelow, topicMatches } from './topic.ts'

test('filters match as MQTT 3.1.1 section 4.7 says', () => {
  const cases: [string, string, boolean][] = [
    ['a/b', 'a/b', true],
    ['a/b', 'a/c', false],
    ['a/+', 'a/b', true],
    ['a/+', 'a/b/c', false],
    ['a/+', 'a/', true],
    ['a/#', 'a/b/c', true],
    ['a/#', 'a', true],
    ['a/#', 'ab', false],
    ['+/+', '/x', true],
    ['#', 'a/b', true],
    ['#', '$SYS/x', false],
    ['+/x', '$SYS/x', false],
    ['$SYS/#', '$SYS/x', true],
    ['a', 'a/b', false],
  ]
  for (const [filter, topic, matches] of cases)
    assert.equal(topicMatches(filter, topic), matches, `${filter} ${topic}`)
})

test('below a base means below it, not beside it', () => {
  assert.ok(isBelow('zigbee2mqtt', 'zigbee2mqtt/a/b'))
  assert.ok(isBelow('zigbee2mqtt', 'zigbee2mqtt/#'))
  for (const topic of ['zigbee2mqtt', 'zigbee2mqtt2/a', '+/a', '#', 'other/zigbee2mqtt/a'])
    assert.ok(!isBelow('zigbee2mqtt', topic), topic)
})
