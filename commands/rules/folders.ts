import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import { resolve } from 'node:path'
import { systemClock } from '../../base/clock.ts'
import { loadBox, type Box } from '../../gateway/config.ts'
import { lockFolder } from '../../gateway/lock.ts'
import { RuleDesk } from '../../gateway/rule-desk.ts'
import { RuleModes } from '../../gateway/rule-modes.ts'
import { Store, type Reader } from '../../gateway/store/store.ts'
import { Trials } from '../../gateway/trials.ts'
import { dataFolderOf, demoFolder, shippedRooms } from '../rooms.ts'
import { runningGateway } from '../running.ts'
import { neverStarted, openStored } from './stored.ts'

/** The options that every word of `ganglion rules` takes. */
export const folderOptions = { box: { type: 'string' }, data: { type: 'string' } } as const

export interface Folders {
  readonly box: string
  readonly data: string
}

export function foldersOf(values: { readonly box?: string; readonly data?: string }): Folders {
  const box = resolve(values.box ?? demoFolder)
  return { box, data: dataFolderOf(box, values.data) }
}

/** The box as its files are now, and what is stored of it. A running gateway is not disturbed. */
export async function withStored<T>(
  { box, data }: Folders,
  look: (box: Box, reader: Reader) => T,
): Promise<T> {
  const db = openStored(data)
  try {
    const loaded = await loadBox(box, await shippedRooms())
    return look(loaded, db)
  } finally {
    db.close()
  }
}

/** What people decide: by the running gateway, else in its database. */
export type Decisions = Pick<RuleDesk, 'decideMode' | 'goLive'> & {
  review(siteId: string): Promise<unknown>
}

export async function withDecisions(
  { box, data }: Folders,
  decide: (desk: Decisions) => Promise<void>,
): Promise<void> {
  const running = await runningGateway(data)
  if (running) {
    await decide({
      decideMode: async (wish) => {
        await running.post('/api/rule-modes', wish)
      },
      review: (site) => running.post('/api/trials/review', { site }),
      goLive: async (site, by) => {
        await running.post('/api/trials/go-live', { site, by })
      },
    })
    return
  }
  if (!existsSync(data)) throw neverStarted(data)
  const loaded = await loadBox(box, await shippedRooms())
  const unlock = lockFolder(data)
  try {
    const store = await Store.open({ folder: data })
    try {
      const modes = new RuleModes(store.reader)
      const trials = new Trials(store.reader)
      const context = { clock: systemClock, store, box: loaded, modes, trials, decided: () => undefined }
      await decide(new RuleDesk(context))
    } finally {
      await store.close()
    }
  } finally {
    unlock()
  }
}

/** Who decides when nobody is named. */
export const thisUser = (): string => userInfo().username
