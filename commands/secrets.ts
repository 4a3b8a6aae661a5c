import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { newSecret, writePrivate, type WireAccounts } from '../gateway/access.ts'
import type { Box } from '../gateway/config.ts'

/**
 * Makes every secret that the box's wires need and that is not there yet: one file of mode 600 for each wire account
 * and for each `file:secrets/…` that a site names. The simulator reads them from there.
 */
export async function makeSecrets(box: Box, dataFolder: string, accounts: WireAccounts): Promise<void> {
  const folder = join(dataFolder, 'secrets')
  for (const { id, kind } of accountsOf(box)) {
    const file = join(folder, id)
    if (existsSync(file)) {
      const secret = readFileSync(file, 'utf8').trim()
      if (!accounts.verify(id, secret)) await accounts.add(id, kind, secret)
    } else {
      writePrivate(folder, id, `${await accounts.add(id, kind)}\n`)
    }
  }
  for (const name of secretFilesOf(box)) {
    if (!existsSync(join(folder, name))) writePrivate(folder, name, `${newSecret()}\n`)
  }
}

/** The MQTT accounts of a box: its bridges, and each device that speaks for itself. */
function accountsOf(box: Box): readonly { id: string; kind: 'device' | 'bridge' }[] {
  const bridges = (box.file.bridges ?? []).map(({ id }) => ({ id, kind: 'bridge' as const }))
  const devices = [...box.devices.values()]
    .filter(({ address }) => address.transport === 'mqtt' && address.settings['account'] === undefined)
    .map(({ id }) => ({ id, kind: 'device' as const }))
  return [...bridges, ...devices]
}

function secretFilesOf(box: Box): readonly string[] {
  return [...box.devices.values()]
    .flatMap(({ address }) => Object.values(address.settings))
    .filter((value) => typeof value === 'string')
    .filter((value) => /^file:secrets\/[A-Za-z0-9._-]+$/.test(value))
    .map((value) => value.slice('file:secrets/'.length))
}
