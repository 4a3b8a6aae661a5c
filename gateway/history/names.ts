import type Database from 'better-sqlite3'
import type { ChunkOwner, PointName, PointNames, PointNumbers } from './chunk-format.ts'
import { MOST_SOURCES } from './history-file.ts'

/** The numbers that stand for devices and points in chunks; new ones are written with the segment that needs them. */
export class Names implements PointNumbers, PointNames {
  readonly #db: Database.Database
  readonly #points = new Map<string, number>()
  readonly #pointNames = new Map<number, PointName>()
  readonly #sources = new Map<string, number>()
  readonly #owners = new Map<number, ChunkOwner>()
  #newPoints: number[] = []
  #newSources: number[] = []

  constructor(db: Database.Database) {
    this.#db = db
    this.read()
  }

  /** Again, where another process writes the file. */
  read(): void {
    const points = this.#db.prepare('SELECT number, quantity, part FROM points').all() as {
      number: number
      quantity: string
      part: string
    }[] // the columns named
    for (const { number, quantity, part } of points) this.#keepPoint(number, { quantity, part })
    const sources = this.#db.prepare('SELECT number, site_id, device_id FROM sources').all() as {
      number: number
      site_id: string
      device_id: string
    }[] // the columns named
    for (const { number, site_id: siteId, device_id: deviceId } of sources)
      this.#keepSource(number, { siteId, deviceId })
  }

  numberOf(quantity: string, part: string): number {
    const known = this.#points.get(pointName(quantity, part))
    if (known !== undefined) return known
    const number = this.#pointNames.size + 1
    this.#keepPoint(number, { quantity, part })
    this.#newPoints.push(number)
    return number
  }

  /** Undefined when the point was never heard of. */
  pointOf(quantity: string, part: string): number | undefined {
    return this.#points.get(pointName(quantity, part))
  }

  nameOf(point: number): PointName {
    return this.#pointNames.get(point) ?? { quantity: '', part: '' }
  }

  sourceOf(owner: ChunkOwner): number {
    const known = this.#sources.get(sourceName(owner))
    if (known !== undefined) return known
    const number = this.#owners.size + 1
    if (number >= MOST_SOURCES) throw new Error('the history knows too many devices')
    this.#keepSource(number, owner)
    this.#newSources.push(number)
    return number
  }

  ownerOf(source: number): ChunkOwner {
    return this.#owners.get(source) ?? { siteId: '', deviceId: '' }
  }

  hasSource(source: number): boolean {
    return this.#owners.has(source)
  }

  /** A device that moved to another site has a number for each. */
  sourcesOf(deviceId: string): readonly number[] {
    return [...this.#owners].filter(([, owner]) => owner.deviceId === deviceId).map(([number]) => number)
  }

  /** Inside the transaction of the segment. */
  write(): void {
    const point = this.#db.prepare('INSERT INTO points VALUES (?, ?, ?)')
    for (const number of this.#newPoints) {
      const { quantity, part } = this.nameOf(number)
      point.run(number, quantity, part)
    }
    const source = this.#db.prepare('INSERT INTO sources VALUES (?, ?, ?)')
    for (const number of this.#newSources) {
      const { siteId, deviceId } = this.ownerOf(number)
      source.run(number, siteId, deviceId)
    }
  }

  /** The transaction has ended well. */
  written(): void {
    this.#newPoints = []
    this.#newSources = []
  }

  #keepPoint(number: number, name: PointName): void {
    this.#points.set(pointName(name.quantity, name.part), number)
    this.#pointNames.set(number, name)
  }

  #keepSource(number: number, owner: ChunkOwner): void {
    this.#sources.set(sourceName(owner), number)
    this.#owners.set(number, owner)
  }
}

const pointName = (quantity: string, part: string): string => `${quantity} ${part}`

const sourceName = ({ siteId, deviceId }: ChunkOwner): string => `${siteId} ${deviceId}`
