import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { isoTime, type Clock, type Instant } from '../base/clock.ts'
import { checker } from '../base/schema.ts'
import type { Box } from './config.ts'
import type { Arrival } from './ports.ts'
import { fieldAt } from './profile.ts'
import { quantityIds, quantityOf } from './quantity.ts'
import type { Reading } from './reading.ts'
import { refuse, unknownDevice } from './refusal.ts'

interface Heard {
  readonly arrival: Arrival
  readonly readings: readonly Reading[]
  readonly at: Instant
}

const MOST_WATCHERS = 20
const LONGEST_RAW = 200

/** Who waits for the next message of a device, to see what it really says. */
export class LivePoints {
  readonly #clock: Clock
  readonly #watchers = new Set<{ readonly deviceId: string; readonly hear: (heard: Heard) => void }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get isFull(): boolean {
    return this.#watchers.size >= MOST_WATCHERS
  }

  heard(arrival: Arrival, readings: readonly Reading[], at: Instant): void {
    if (this.#watchers.size === 0) return
    for (const watcher of [...this.#watchers])
      if (watcher.deviceId === arrival.deviceId) watcher.hear({ arrival, readings, at })
  }

  /** The first message that says something of it; undefined when none came in time. */
  next(deviceId: string, waitMs: number, isMeant: (heard: Heard) => boolean): Promise<Heard | undefined> {
    return new Promise((resolve) => {
      const settle = (heard: Heard | undefined): void => {
        this.#watchers.delete(watcher)
        cancel()
        resolve(heard)
      }
      const hear = (heard: Heard): void => {
        if (isMeant(heard)) settle(heard)
      }
      const watcher = { deviceId, hear }
      const cancel = this.#clock.after(waitMs, () => settle(undefined))
      this.#watchers.add(watcher)
    })
  }
}

const PointQuery = Type.Object(
  {
    part: Type.Optional(Type.String({ maxLength: 63 })),
    seconds: Type.Optional(Type.String({ pattern: '^([1-9]|1\\d|2[0-5])$', description: '1 … 25' })),
  },
  { additionalProperties: false },
)
const Quantity = Type.Enum(quantityIds)

export interface LiveRoutesContext {
  readonly box: Pick<Box, 'devices'>
  readonly live: LivePoints
  readonly readingsOf: (deviceId: string) => readonly Reading[]
}

/**
 * GET /api/devices/:id/points/:quantity?part=&seconds= : waits for the next message of the device that says it, and answers
 * with what the device said (`raw`) and what Ganglion makes of it; `isLive: false` with the last value where none came.
 */
export const liveRoutes =
  ({ box, live, readingsOf }: LiveRoutesContext) =>
  (app: FastifyInstance): void => {
    app.get<{ Params: { id: string; quantity: string } }>(
      '/api/devices/:id/points/:quantity',
      async (request, reply) => {
        const device = box.devices.get(request.params.id)
        if (!device) return unknownDevice(reply)
        const query = checker(PointQuery)(request.query)
        if (!query.ok) return refuse(reply, query.complaints)
        const named = checker(Quantity)(request.params.quantity)
        const { part, seconds = '10' } = query.value
        const points = device.profile.points.filter(
          (point) =>
            named.ok && point.quantity === named.value && (part === undefined || point.part === part),
        )
        if (points.length === 0) {
          const known = new Set(device.profile.points.map(({ quantity }) => quantity))
          const text = `"${device.profile.id}" cannot say that; it says ${[...known].join(', ')}`
          return refuse(reply, [{ path: '', text }])
        }
        if (live.isFull) {
          const message = `${MOST_WATCHERS} points are being looked at already`
          return reply.code(429).send({ code: 'rate-exceeded', message })
        }
        const isMeant = ({ quantity, part: of }: Reading): boolean =>
          points.some((point) => point.quantity === quantity && point.part === of)
        const heard = await live.next(device.id, Number(seconds) * 1000, ({ readings }) =>
          readings.some(isMeant),
        )
        const readings = heard?.readings ?? readingsOf(device.id)
        return {
          isLive: heard !== undefined,
          heardAt: heard ? isoTime(heard.at) : null,
          points: readings.filter(isMeant).map((reading) => ({
            ...reading,
            at: isoTime(reading.at),
            unit: quantityOf(reading.quantity).unit,
            raw: rawOf(
              heard,
              points.find(({ quantity, part: of }) => quantity === reading.quantity && of === reading.part)
                ?.path,
            ),
          })),
        }
      },
    )
  }

function rawOf(heard: Heard | undefined, path: readonly string[] | undefined): string | null {
  const raw = heard && path && (JSON.stringify(fieldAt(heard.arrival.fields, path)) as string | undefined)
  return raw?.slice(0, LONGEST_RAW) ?? null
}
