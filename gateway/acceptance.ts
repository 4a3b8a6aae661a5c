import { isoTime, type Clock, type Instant } from '../base/clock.ts'
import { GanglionError } from '../base/errors.ts'
import type { Box } from './config.ts'
import { drillShown, drillsOf, findDrill } from './drill-record.ts'
import type { EvidenceFolder } from './evidence.ts'
import { quantityOf, type QuantityId } from './quantity.ts'
import type { Reading } from './reading.ts'
import type { Store } from './store/store.ts'
import type { Position } from './words.ts'

/** What of its last words an acceptance record keeps. */
const SIGNS: readonly QuantityId[] = ['rssi', 'linkQuality', 'battery', 'batteryVoltage', 'batteryLow']
const MOST_RECORDS = 50
export const LARGEST_PHOTO = 4 * 1024 * 1024

const mediaTypes = {
  'image/jpeg': [0xff, 0xd8, 0xff],
  'image/png': [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
} as const
export type PhotoType = keyof typeof mediaTypes

/** By its first bytes: a name proves nothing. */
export const photoType = (bytes: Uint8Array): PhotoType | undefined =>
  (Object.keys(mediaTypes) as PhotoType[]) // keys of a const table
    .find((type) => mediaTypes[type].every((byte, index) => bytes[index] === byte))

export interface AcceptanceWish {
  readonly deviceId: string
  readonly by: string
  readonly note?: string | undefined
  /** Of the device; that of its site by default. */
  readonly position?: Position | undefined
  readonly photo?: Uint8Array | undefined
}

/** As it is stored: what was so when it was accepted, whatever the site file says later. */
interface Stored {
  readonly what: object
  readonly where: object
  readonly note: string | null
  readonly photo: { readonly sha256: string; readonly size: number; readonly mediaType: PhotoType } | null
  readonly signs: readonly object[]
  readonly drillId: string | null
}

export interface AcceptanceContext {
  readonly clock: Clock
  readonly store: Pick<Store, 'put' | 'reader'>
  readonly box: Pick<Box, 'id' | 'sites' | 'devices'>
  readonly photos: EvidenceFolder
  readonly readingsOf: (deviceId: string) => readonly Reading[]
}

/** 验收记录: what was accepted where, by whom, and how its drill went. */
export class Acceptances {
  readonly #context: AcceptanceContext

  constructor(context: AcceptanceContext) {
    this.#context = context
  }

  /** @throws GanglionError `payload-invalid` for a photo that is none, `device-unknown`, `store-full`, `store-failed` */
  async accept({ deviceId, by, note, position, photo }: AcceptanceWish): Promise<object> {
    const { box, clock, photos, readingsOf, store } = this.#context
    const device = box.devices.get(deviceId)
    const site = box.sites.find(({ id }) => id === device?.siteId)
    if (!device || !site)
      throw new GanglionError('device-unknown', `no site of this box has a device "${deviceId}"`)
    const mediaType = photo && photoType(photo)
    if (photo && !mediaType)
      throw new GanglionError('payload-invalid', 'the photo is neither JPEG nor PNG by its first bytes')
    if (photo && photo.length > LARGEST_PHOTO)
      throw new GanglionError(
        'payload-too-large',
        `a photo may have ${LARGEST_PHOTO} bytes; got ${photo.length}`,
      )
    const { profile, address, part } = device
    const { file } = site
    const [drill] = drillsOf(store.reader, deviceId, 1)
    const now = clock.now()
    const body: Stored = {
      what: {
        profile: profile.id,
        variant: profile.variant ?? null,
        name: profile.name,
        codec: profile.codec,
        power: profile.power,
        via: { [address.transport]: address.settings },
      },
      where: {
        siteId: site.id,
        siteName: file.name,
        address: file.address,
        gridCode: file.gridCode,
        part,
        position: position ?? file.position,
      },
      note: note ?? null,
      photo: photo && mediaType ? { sha256: await photos.write(photo), size: photo.length, mediaType } : null,
      signs: readingsOf(deviceId)
        .filter(({ quantity }) => SIGNS.includes(quantity))
        .map((reading) => signShown(reading)),
      drillId: drill?.id ?? null,
    }
    await store.put(['putAcceptance', deviceId, site.id, now, by, JSON.stringify(body)])
    return this.#shown({ deviceId, at: now, by, body: JSON.stringify(body) })
  }

  /** Newest first; how a drill went is looked up now, so that one that waited is complete when the platform has it. */
  of(deviceId: string): readonly object[] {
    const rows = this.#context.store.reader
      .prepare(
        'SELECT device_id AS deviceId, at, accepted_by AS by, body FROM acceptances WHERE device_id = ? ORDER BY seq DESC LIMIT ?',
      )
      .all(deviceId, MOST_RECORDS) as Row[] // the columns named
    return rows.map((row) => this.#shown(row))
  }

  /** Writes down that another unit hangs at the place of the old one. */
  async replaced(deviceId: string, by: string, change: object): Promise<void> {
    const { box, clock, store } = this.#context
    const siteId = box.devices.get(deviceId)?.siteId ?? ''
    await store.put(['putReplacement', deviceId, siteId, clock.now(), by, JSON.stringify(change)])
  }

  replacementsOf(deviceId: string): readonly object[] {
    const rows = this.#context.store.reader
      .prepare(
        'SELECT at, replaced_by AS by, body FROM replacements WHERE device_id = ? ORDER BY seq DESC LIMIT ?',
      )
      .all(deviceId, MOST_RECORDS) as Pick<Row, 'at' | 'by' | 'body'>[] // the columns named
    return rows.map(({ at, by, body }) => ({ at: isoTime(at), by, ...(JSON.parse(body) as object) })) // written above
  }

  #shown({ deviceId, at, by, body }: Row): object {
    const { drillId, ...stored } = JSON.parse(body) as Stored // written above
    const drill = drillId === null ? undefined : findDrill(this.#context.store.reader, drillId)
    return {
      boxId: this.#context.box.id,
      deviceId,
      by,
      at: isoTime(at),
      ...stored,
      drill: drill ? drillShown(drill, this.#context.store.reader) : null,
    }
  }
}

interface Row {
  readonly deviceId: string
  readonly at: Instant
  readonly by: string
  readonly body: string
}

function signShown({ at, part, quality, quantity, value }: Reading): object {
  return { quantity, part, value, unit: quantityOf(quantity).unit, quality, at: isoTime(at) }
}
