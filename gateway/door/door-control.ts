import type { Clock } from '../../base/clock.ts'
import type { Commanding } from '../commanding.ts'
import type { Box } from '../config.ts'
import type { Arrival } from '../ports.ts'
import type { Reading } from '../reading.ts'
import type { Store } from '../store/store.ts'
import { cardHash } from './card-key.ts'
import { CredentialBook } from './credential-book.ts'
import { Doors } from './doors.ts'
import { Gatekeeper } from './gatekeeper.ts'
import { toIssuers } from './issuer.ts'

export interface DoorControlGiven {
  readonly box: Box
  readonly clock: Clock
  readonly store: Store
  readonly commanding: Commanding
  readonly dataFolder: string
  readonly readingsOf: (deviceId: string) => readonly Reading[]
  readonly trouble: (what: string, example: string) => void
}

/** 门禁系统: the parts that decide and watch the doors of a box, put together. */
export interface DoorControl {
  readonly doors: Doors
  readonly book: CredentialBook
  readonly gatekeeper: Gatekeeper
  asked(arrival: Arrival): Promise<void>
  /** The box has changed. */
  replan(box: Box): void
}

export function doorControl(given: DoorControlGiven): DoorControl {
  const { box, clock, store, commanding, dataFolder, readingsOf, trouble } = given
  const doors = new Doors({ clock, devices: box.devices, readingsOf })
  const book = new CredentialBook({ clock, store, sites: box.sites, hash: cardHash(dataFolder) })
  const gatekeeper = new Gatekeeper({
    clock,
    store,
    boxId: box.id,
    doors,
    book,
    commanding,
    issuers: toIssuers(box.file.doorAccess),
    trouble,
    async answer(readerId, order) {
      const transport = commanding.transports.get(box.devices.get(readerId)?.address.transport ?? '')
      await transport?.send?.(readerId, order, new AbortController().signal)
    },
  })
  commanding.onSent = ({ command, deviceId }) => {
    if (command === 'open-door') doors.letThrough(deviceId)
  }
  return {
    doors,
    book,
    gatekeeper,
    asked: (arrival) => gatekeeper.asked(arrival),
    replan({ devices, sites }) {
      doors.replan(devices)
      book.replan(sites)
    },
  }
}
