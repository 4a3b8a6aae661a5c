/**
 * Makes something ready once for each settings object: a thousand places of one site share the parsed condition.
 * Settings that are let go take it with them.
 */
export function onceEach<Settings extends object, T>(
  make: (settings: Settings) => T,
): (settings: Settings) => T {
  const made = new WeakMap<Settings, T>()
  return (settings) => {
    const known = made.get(settings)
    if (known !== undefined) return known
    const fresh = make(settings)
    made.set(settings, fresh)
    return fresh
  }
}
