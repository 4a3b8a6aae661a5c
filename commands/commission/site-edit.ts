import {
  copyFileSync,
  constants,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isMap, isSeq, parseDocument, type Document, type YAMLMap } from 'yaml'
import { isoTime, systemClock } from '../../base/clock.ts'
import { GanglionError, codeOf } from '../../base/errors.ts'
import { loadBox } from '../../gateway/config.ts'
import { replaceWhole } from '../../gateway/whole-file.ts'
import { shippedRooms } from '../rooms.ts'

export interface Unit {
  readonly profile: string
  readonly variant?: string
  readonly via: Readonly<Record<string, unknown>>
}

export interface Replaced {
  readonly siteId: string
  /** The site file's name, and the name under which the old one is kept. */
  readonly file: string
  readonly kept: string
  readonly before: Unit
  readonly after: Unit
}

/**
 * Rewrites what one entry of a site file says of its unit; comments and all else stay. The whole box is checked with the
 * new text before the file changes, and the old file is kept beside it.
 * @throws ConfigError when the box would be wrong; GanglionError `device-unknown`, `config-missing`
 */
export async function replaceUnit(box: string, device: string, wish: Partial<Unit>): Promise<Replaced> {
  const found = findEntry(box, device)
  if (!found) throw new GanglionError('device-unknown', `no site file of ${box} has a device "${device}"`)
  const { document, entry, file } = found
  const before = unitOf(entry)
  if (wish.profile !== undefined) {
    entry.set('profile', wish.profile)
    // A firmware of the old model says nothing of the new one.
    if (wish.profile !== before.profile) entry.delete('variant')
  }
  if (wish.variant !== undefined) entry.set('variant', wish.variant)
  if (wish.via !== undefined) {
    const via = document.createNode(wish.via)
    if (isMap(via)) via.flow = entry.flow ?? true
    entry.set('via', via)
  }
  const text = document.toString({ lineWidth: 0 })
  await checkWith(box, file, text)
  const kept = `${file}.${isoTime(systemClock.now()).replaceAll(':', '')}.old`
  copyFileSync(join(box, file), join(box, kept), constants.COPYFILE_EXCL)
  await replaceWhole(join(box, file), text)
  return { siteId: file.replace(/\.yaml$/, ''), file, kept, before, after: unitOf(entry) }
}

function findEntry(
  box: string,
  device: string,
): { readonly file: string; readonly document: Document; readonly entry: YAMLMap } | undefined {
  for (const file of siteFilesIn(box)) {
    const document = parseDocument(readFileSync(join(box, file), 'utf8'), { version: '1.2' })
    const devices = document.get('devices')
    if (!isSeq(devices)) continue
    const entry = devices.items.find((item) => isMap(item) && item.get('id') === device)
    if (isMap(entry)) return { file, document, entry }
  }
  return undefined
}

function siteFilesIn(box: string): readonly string[] {
  try {
    return readdirSync(box).filter((name) => name.endsWith('.yaml') && name !== 'box.yaml')
  } catch (error) {
    throw new GanglionError('config-missing', `${box} cannot be read (${codeOf(error)})`, { cause: error })
  }
}

function unitOf(entry: YAMLMap): Unit {
  const { profile, variant, via } = entry.toJSON() as Unit // the keys of an entry; the box is checked with them
  return { profile, ...(variant !== undefined && { variant }), via }
}

/** The same folder with the one file changed. */
async function checkWith(box: string, file: string, text: string): Promise<void> {
  const trial = mkdtempSync(join(tmpdir(), 'ganglion-replace-'))
  try {
    for (const name of readdirSync(box)) if (name !== file) symlinkSync(join(box, name), join(trial, name))
    writeFileSync(join(trial, file), text)
    await loadBox(trial, await shippedRooms())
  } finally {
    rmSync(trial, { recursive: true, force: true })
  }
}
