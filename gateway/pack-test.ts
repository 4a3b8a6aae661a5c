import { Type, type Static } from 'typebox'
import { SiteFile } from './site-file.ts'
import { Id, Span } from './words.ts'

const closed = { additionalProperties: false } as const

const Value = Type.Union([Type.Number(), Type.Boolean(), Type.String({ maxLength: 64 })])

/** A value in the quantity's own unit; with a quality where the device does not mean it plainly. */
const SaidValue = Type.Union([
  Value,
  Type.Object({ value: Value, quality: Type.Enum(['bad', 'at-limit'] as const) }, closed),
])

/** `heard`: a sign of life without readings. Else readings by `quantity` or `part/quantity`. */
const Said = Type.Union([
  Type.Literal('heard'),
  Type.Record(Type.String({ pattern: '^([a-z0-9][a-z0-9-]{0,62}/)?[a-zA-Z0-9]{1,40}$' }), SaidValue, {
    ...closed,
    minProperties: 1,
  }),
])
export type Said = Static<typeof Said>

const TestDevice = Type.Object(
  {
    profile: Id,
    variant: Type.Optional(Id),
    part: Type.Optional(Id),
    zones: Type.Optional(Type.Array(Id, { minItems: 1, maxItems: 16, uniqueItems: true })),
    silentAfter: Type.Optional(Span),
    drill: Type.Optional(Type.Boolean()),
  },
  closed,
)
export type TestDevice = Static<typeof TestDevice>

/** What of a site file a rule can depend on. */
const TestSite = Type.Partial(
  Type.Pick(SiteFile, [
    'kind',
    'timeZone',
    'hours',
    'holidays',
    'workedDays',
    'exemptions',
    'settings',
    'holding',
  ]),
  closed,
)

const Step = Type.Object(
  {
    at: { ...Span, description: 'from the start of the test' },
    /** Said again and again until then. */
    every: Type.Optional(Span),
    until: Type.Optional(Span),
    /** What each camera's tracker follows, by zone: `[bicycle, person]`; `bicycle#2` is a second one. */
    tracks: Type.Optional(
      Type.Record(
        Id,
        Type.Record(
          Id,
          Type.Array(Type.String({ pattern: '^[a-z][a-z -]{0,38}(#[1-9]\\d{0,3})?$' }), { maxItems: 100 }),
          closed,
        ),
        closed,
      ),
    ),
  },
  { additionalProperties: Said },
)
/** All other keys are device ids. */
export type TestStep = Static<typeof Step> & { readonly [deviceId: string]: unknown }

/** What else a step may be asked for: no device can have these names in a test. */
export const stepKeys: ReadonlySet<string> = new Set(Object.keys(Step.properties))

const Expectation = Type.Object(
  {
    at: Span,
    /** Exactly one of the four, with the rule's id. */
    raise: Type.Optional(Id),
    clear: Type.Optional(Id),
    /** The raise was held back; `by` names what by. */
    hold: Type.Optional(Id),
    escalate: Type.Optional(Id),
    place: Type.String({
      pattern: '^[a-z0-9][a-z0-9-]{0,62}(/[a-z0-9][a-z0-9-]{0,62})?$',
      description: 'below the site: a, station/port-2, site',
    }),
    /** Compared only where they stand. */
    drill: Type.Optional(Type.Boolean()),
    since: Type.Optional(Span),
    by: Type.Optional(Id),
  },
  closed,
)
export type Expectation = Static<typeof Expectation>

const PackTest = Type.Object(
  {
    /** A sentence about behaviour. */
    name: Type.String({ minLength: 1, maxLength: 160 }),
    /** Only this rule is judged; all rules of the pack by default. */
    rule: Type.Optional(Id),
    site: Type.Optional(TestSite),
    start: Type.Optional(
      Type.String({
        pattern: '^\\d{4}-[01]\\d-[0-3]\\dT[0-2]\\d:[0-5]\\d:[0-5]\\d(Z|[+-][01]\\d:[0-5]\\d)$',
        description: 'with its time zone; 2026-03-02T08:00:00+08:00 by default',
      }),
    ),
    devices: Type.Record(Id, Type.Union([Id, TestDevice]), {
      ...closed,
      minProperties: 1,
      maxProperties: 100,
    }),
    series: Type.Array(Step, { maxItems: 1000 }),
    /** Every raise, clear, hold and escalation of the whole run, in order of time; anything else fails the test. */
    expect: Type.Array(Expectation, { maxItems: 1000 }),
    /** So far time goes on; 1 s beyond the last thing said or expected by default. */
    until: Type.Optional(Span),
  },
  closed,
)
export type PackTest = Static<typeof PackTest>

/** 规则测试: stories that a pack brings along, each with what its rules have to make of it. */
export const PackTests = Type.Array(PackTest, { maxItems: 1000 })
