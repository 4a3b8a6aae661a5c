import { Type, type Static } from 'typebox'

/** 供电对象: what hangs on a circuit that a device can switch. */
export const circuits = {
  charging: { zh: '充电', en: 'charging', isKept: false },
  sockets: { zh: '插座', en: 'sockets', isKept: false },
  shop: { zh: '商铺用电', en: 'a shop', isKept: false },
  other: { zh: '其他负荷', en: 'another load', isKept: false },
  lighting: { zh: '照明', en: 'lighting', isKept: true },
  egress: { zh: '疏散指示与应急照明', en: 'egress signs and emergency lighting', isKept: true },
  fire: { zh: '消防用电', en: 'fire-fighting power', isKept: true },
} as const satisfies Record<string, { zh: string; en: string; isKept: boolean }>

export type Circuit = keyof typeof circuits
const circuitIds = Object.keys(circuits) as readonly Circuit[] // keys of a const table

const One = Type.Enum(circuitIds)

/** For the whole device, or part by part. */
export const Feeds = Type.Union(
  [
    One,
    Type.Record(Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,30}$' }), One, { additionalProperties: false }),
  ],
  {
    description:
      'what its circuit feeds: charging, sockets, shop, other, lighting, egress, fire; or {port-1: charging, …}. Power of lighting, egress and fire is never cut, and none is cut of which this is not said',
  },
)
export type Feeds = Static<typeof Feeds>

/** Why power must not be taken from this part (empty: from the whole device), or undefined where it may. */
export function cutRefusal(feeds: Feeds | undefined, part: string): string | undefined {
  const fed = fedThrough(feeds, part)
  if (fed.length === 0) {
    return `nothing says what ${part === '' ? 'its circuit' : part} feeds; "feeds:" in the site file does`
  }
  const kept = fed.find((circuit) => circuits[circuit].isKept)
  return kept && `it feeds ${circuits[kept].en} (${circuits[kept].zh}), which is never cut`
}

/** Switching the whole device switches every part. */
function fedThrough(feeds: Feeds | undefined, part: string): readonly Circuit[] {
  if (feeds === undefined) return []
  if (typeof feeds === 'string') return [feeds]
  if (part === '') return Object.values(feeds)
  const one = Object.hasOwn(feeds, part) ? feeds[part] : undefined
  return one === undefined ? [] : [one]
}
