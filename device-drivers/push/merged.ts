import type { PushSaid } from './form.ts'

/**
 * What a cloud took apart, put together again: values of one device and one time are one message, so that a pressed
 * button and the smoke that came with it are seen together. What would hide a value stays a message of its own.
 */
export function merged(said: readonly PushSaid[]): readonly PushSaid[] {
  const result: PushSaid[] = []
  const at = new Map<string, number>()
  for (const one of said) {
    if (one.is !== 'message' || Buffer.isBuffer(one.payload)) {
      result.push(one)
      continue
    }
    const key = JSON.stringify([one.names, one.time, one.messageId])
    const place = at.get(key)
    const before = place === undefined ? undefined : result[place]
    if (place === undefined || before?.is !== 'message' || sharesKey(before.payload, one.payload)) {
      at.set(key, result.push(one) - 1)
      continue
    }
    result[place] = { ...before, payload: together(before.payload, one.payload) }
  }
  return result
}

const sharesKey = (one: object, other: object): boolean =>
  Object.keys(other).some((key) => Object.hasOwn(one, key))

/** `Object.fromEntries` makes own keys of whatever they are called, `__proto__` too. */
const together = (one: object, other: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries([...Object.entries(one), ...Object.entries(other)])
