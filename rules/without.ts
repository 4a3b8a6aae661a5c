/** The same without these keys. */
export function without<T extends object, K extends keyof T>(one: T, ...keys: readonly K[]): Omit<T, K> {
  const gone: readonly PropertyKey[] = keys
  const left = Object.entries(one as Readonly<Record<string, unknown>>).filter(([key]) => !gone.includes(key)) // any object has string keys
  return Object.fromEntries(left) as Omit<T, K> // its other keys, as they were
}

/** A record without the entry of this key. */
export const withoutKey = <T>(
  record: Readonly<Record<string, T>>,
  key: string,
): Readonly<Record<string, T>> =>
  Object.fromEntries(Object.entries(record).filter(([other]) => other !== key))
