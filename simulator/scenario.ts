import { dirname, resolve } from 'node:path'
import { Type, type Static } from 'typebox'
import { DURATION_PATTERN, parseDuration } from '../base/amount.ts'
import type { Duration } from '../base/clock.ts'
import { nearest } from '../base/schema.ts'
import { ConfigError, readYaml, type Mistake, type YamlFile } from '../base/yaml.ts'
import { readBoxFolder, type BoxFolder } from './box-folder.ts'
import { faultNames, makerOf, type FaultName, type FaultTarget } from './faults.ts'
import { sceneNames } from './scene-names.ts'

const closed = { additionalProperties: false } as const
const Span = Type.String({ pattern: DURATION_PATTERN, description: 'a span of time such as 8 s' })
const Name = Type.String({ minLength: 1, maxLength: 63 })

/** The target of platform faults, and of those that mean the whole box. */
export const PLATFORM = 'platform'
export const EVERYTHING = 'everything'

const FaultEntry = Type.Object(
  {
    name: Type.Enum(faultNames),
    /** A device, a bridge, `platform` or `everything`; the entry's device by default. */
    on: Type.Optional(Name),
    /** Until the end of the scenario by default. */
    for: Type.Optional(Span),
  },
  closed,
)

const Entry = Type.Object(
  {
    at: Type.String({ pattern: DURATION_PATTERN, description: 'after the start of the scenario' }),
    device: Type.Optional(Name),
    /** Values by quantity, `port-1/portTemperature` for a part of the device. */
    set: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.Number(), Type.Boolean(), Type.String()]), {
        minProperties: 1,
      }),
    ),
    /** The scene that a camera sees from now on. */
    camera: Type.Optional(Name),
    fault: Type.Optional(FaultEntry),
  },
  closed,
)

const Want = Type.Object(
  {
    class: Name,
    place: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    /** Exactly so many cases; one by default. */
    count: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
    /** At the platform by this time after the start. */
    within: Type.Optional(Span),
    drill: Type.Optional(Type.Boolean()),
    /** true: the platform knows that it has cleared; false: it must still stand. */
    cleared: Type.Optional(Type.Boolean()),
    /** A stage that the platform has walked it to. */
    stage: Type.Optional(Name),
    /** At least so many media files of proof that the platform has verified. */
    proof: Type.Optional(Type.Integer({ minimum: 1, maximum: 20 })),
  },
  closed,
)
export type Want = Static<typeof Want>

const Forbid = Type.Object(
  {
    /** `*`: any case that is not wanted. */
    class: Name,
    place: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    drill: Type.Optional(Type.Boolean()),
  },
  closed,
)
export type Forbid = Static<typeof Forbid>

export const ScenarioFile = Type.Object(
  {
    title: Type.Object({ zh: Type.String({ maxLength: 200 }), en: Type.String({ maxLength: 200 }) }, closed),
    /** The box folder, relative to this file. */
    box: Type.String({ minLength: 1, maxLength: 300 }),
    /** Everything random comes from it. */
    seed: Type.Integer({ minimum: 0, maximum: 4_294_967_295 }),
    length: Span,
    /** true: its end leads to its beginning, so that it may be played again and again. */
    loop: Type.Optional(Type.Boolean()),
    /** How often each device says its state when nothing happens; 2 s by default. */
    reportsEvery: Type.Optional(Span),
    timeline: Type.Array(Entry, { maxItems: 10_000 }),
    want: Type.Optional(Type.Array(Want, { maxItems: 1000 })),
    forbid: Type.Optional(Type.Array(Forbid, { maxItems: 1000 })),
  },
  { ...closed, $id: 'scenario', title: 'A scenario: what happens to a box, and which cases must come of it' },
)
export type ScenarioFile = Static<typeof ScenarioFile>

export type Value = number | boolean | string

/** One thing that happens. */
export type Happening =
  | {
      readonly at: Duration
      readonly kind: 'set'
      readonly device: string
      readonly values: Readonly<Record<string, Value>>
    }
  | { readonly at: Duration; readonly kind: 'scene'; readonly device: string; readonly scene: string }
  | {
      readonly at: Duration
      readonly kind: 'fault'
      readonly on: string
      readonly name: FaultName
      readonly for: Duration | undefined
    }

/** 演习脚本: a box, a time line and the cases that must and must not come of it. */
export interface Scenario {
  readonly file: string
  readonly title: { readonly zh: string; readonly en: string }
  readonly box: BoxFolder
  readonly seed: number
  readonly length: Duration
  readonly loop: boolean
  readonly reportsEvery: Duration
  /** In the order of time. */
  readonly timeline: readonly Happening[]
  readonly want: readonly Want[]
  readonly forbid: readonly Forbid[]
}

/**
 * Reads a scenario and the box folder it names.
 * @throws ConfigError with every mistake of the file: its line, its path and what was meant.
 */
export function readScenario(file: string): Scenario {
  const yaml = readYaml(file, ScenarioFile)
  const box = readBoxFolder(resolve(dirname(file), yaml.value.box))
  const mistakes: Mistake[] = []
  const length = parseDuration(yaml.value.length)
  const timeline = yaml.value.timeline.flatMap((entry, index) =>
    toHappenings(entry, `/timeline/${index}`, { box, yaml, mistakes, length }),
  )
  if (mistakes.length > 0) throw new ConfigError(mistakes)
  return {
    file,
    title: yaml.value.title,
    box,
    seed: yaml.value.seed,
    length,
    loop: yaml.value.loop ?? false,
    reportsEvery: parseDuration(yaml.value.reportsEvery ?? '2 s'),
    timeline: timeline.toSorted((a, b) => a.at - b.at),
    want: yaml.value.want ?? [],
    forbid: yaml.value.forbid ?? [],
  }
}

interface Reading {
  readonly box: BoxFolder
  readonly yaml: YamlFile<ScenarioFile>
  readonly mistakes: Mistake[]
  readonly length: Duration
}

function toHappenings(entry: Static<typeof Entry>, path: string, reading: Reading): Happening[] {
  const { yaml, mistakes, length } = reading
  const complain = (at: string, text: string): void => {
    mistakes.push(yaml.mistake(`${path}${at}`, text))
  }
  const at = parseDuration(entry.at)
  if (at > length) complain('/at', `is after the end of the scenario (${yaml.value.length})`)
  if (!entry.set && entry.camera === undefined && !entry.fault) {
    complain('', 'nothing happens: wanted "set", "camera" or "fault"')
  }
  const happenings: Happening[] = []
  if (entry.set || entry.camera !== undefined) {
    const target = targetOf(entry.device, reading)
    if (entry.device === undefined) complain('', '"device" is missing')
    else if (target === undefined) complain('/device', unknownDevice(entry.device, reading))
    else if (entry.set && target === 'camera') complain('/set', 'a camera takes "camera", a scene')
    else if (entry.camera !== undefined && target !== 'camera') complain('/camera', 'the device is no camera')
    else if (entry.camera !== undefined) {
      const meant = nearest(entry.camera, sceneNames)
      if (!sceneNames.some((known) => known === entry.camera)) {
        complain(
          '/camera',
          `no scene "${entry.camera}"; ${meant ? `did you mean "${meant}"?` : `known are ${sceneNames.join(', ')}`}`,
        )
      } else happenings.push({ at, kind: 'scene', device: entry.device, scene: entry.camera })
    } else if (entry.set) happenings.push({ at, kind: 'set', device: entry.device, values: entry.set })
  }
  if (entry.fault) {
    const { name } = entry.fault
    const on = entry.fault.on ?? entry.device ?? (name === 'reannounce' ? EVERYTHING : undefined)
    const target = on === EVERYTHING ? 'mqtt' : targetOf(on, reading)
    if (on === undefined) complain('/fault', '"on" is missing: a device, a bridge or platform')
    else if (target === undefined) complain('/fault/on', unknownDevice(on, reading))
    else if (on === EVERYTHING && name !== 'reannounce')
      complain('/fault/on', `only "reannounce" happens to ${EVERYTHING}`)
    else if (makerOf(name, target) === undefined) {
      complain('/fault/name', `"${name}" cannot be put on ${target} (${on})`)
    } else {
      const span = entry.fault.for
      happenings.push({
        at,
        kind: 'fault',
        on,
        name,
        for: span === undefined ? undefined : parseDuration(span),
      })
    }
  }
  return happenings
}

/** What kind of thing the name stands for in this box. */
export function targetOf(
  name: string | undefined,
  { box }: { readonly box: BoxFolder },
): FaultTarget | undefined {
  if (name === PLATFORM) return 'platform'
  if (box.bridges.some((bridge) => bridge.id === name)) return 'mqtt'
  return box.devices.find((device) => device.id === name)?.via.kind
}

function unknownDevice(name: string, { box }: Reading): string {
  const known = [...box.devices.map((device) => device.id), ...box.bridges.map((bridge) => bridge.id)]
  const meant = nearest(name, known)
  return `no device "${name}" in ${box.folder}; ${meant ? `did you mean "${meant}"?` : `known are ${known.join(', ')}`}`
}
