import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Type } from 'typebox'
import { readYaml } from '../base/yaml.ts'
import type { PayloadPoint } from './devices/payload.ts'

const Lenient = { additionalProperties: true } as const

const Profile = Type.Object(
  {
    points: Type.Record(
      Type.String(),
      Type.Object(
        {
          from: Type.Union([Type.String(), Type.Object({}, Lenient)]),
          quantity: Type.Optional(Type.String()),
          invert: Type.Optional(Type.Boolean()),
          each: Type.Optional(Type.Object({ count: Type.Integer() }, Lenient)),
        },
        Lenient,
      ),
    ),
  },
  Lenient,
)

const profilesFolder = fileURLToPath(new URL('../device-drivers/profiles/', import.meta.url))

/** What the simulator takes from a profile's file: where a JSON device says what, and how many ports it has. */
export interface ProfilePoints {
  readonly payload: readonly PayloadPoint[]
  readonly parts: number
}

/**
 * Of a shipped profile, or of the box's own where no shipped one has that name. Register addresses and scales are not
 * read on purpose: the images of the Modbus maps are written by hand.
 */
export function readProfilePoints(profile: string, boxFolder?: string): ProfilePoints {
  const shipped = `${profilesFolder}${profile}.yaml`
  const file =
    boxFolder === undefined || existsSync(shipped) ? shipped : join(boxFolder, 'profiles', `${profile}.yaml`)
  const points = Object.entries(readYaml(file, Profile).value.points)
  return {
    payload: points.flatMap(([name, { from, quantity, invert }]) =>
      typeof from === 'string'
        ? [{ quantity: quantity ?? name, path: from.split('.'), isInverted: invert ?? false }]
        : [],
    ),
    parts: Math.max(1, ...points.map(([, { each }]) => each?.count ?? 1)),
  }
}
