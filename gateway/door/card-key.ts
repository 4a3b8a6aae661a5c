import { createHmac, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writePrivate } from '../access.ts'

const KEY_BYTES = 32

/** 卡号散列: card numbers are never kept, only what this key makes of them. The same card differs from site to site. */
export type CardHash = (siteId: string, uid: string) => string

/** The key is made when it is first wanted: `keys/cards.key`, mode 600. Without it no list of cards is of any use. */
export function cardHash(dataFolder: string): CardHash {
  const folder = join(dataFolder, 'keys')
  const file = join(folder, 'cards.key')
  if (!existsSync(file)) writePrivate(folder, 'cards.key', `${randomBytes(KEY_BYTES).toString('hex')}\n`)
  const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'hex')
  return (siteId, uid) => createHmac('sha256', key).update(`${siteId}\n${uid.toUpperCase()}`).digest('hex')
}
