import { instant, type Clock } from '../../base/clock.ts'
import type { Profile } from '../../gateway/profile.ts'
import type { ReadRequest } from '../../wire/modbus.ts'
import { readParts } from '../codecs/modbus.ts'
import type { HeardBytes } from './heard-bytes.ts'
import type { ScanLine } from './scan-line.ts'
import type { LineSeen, UnitSeen } from './scan-verdict.ts'
import { matchProfile, type Match } from './signature.ts'

/** Two units with one address may sometimes agree: they are asked until they do not. */
const ASKED_AGAIN = 4
const LISTEN_MS = 300

/** Any unit answers one of these, be it by an exception. */
const firstAsks: readonly ReadRequest[] = [
  { function: 3, address: 0, count: 1 },
  { function: 4, address: 0, count: 1 },
]

/** Asks every unit; those that say something are asked again. */
export async function lookAtLine(
  line: ScanLine,
  units: readonly number[],
  saw: (unit: number) => void,
): Promise<LineSeen> {
  const unasked = await line.listen(LISTEN_MS)
  const seen: UnitSeen[] = []
  for (const unit of units) {
    const heard = await askUnit(line, unit)
    if (!heard.some((is) => is !== 'nothing')) continue
    saw(unit)
    seen.push({ unit, heard })
  }
  return { unasked, asked: units.length, units: seen }
}

async function askUnit(line: ScanLine, unit: number): Promise<readonly HeardBytes['is'][]> {
  const heard: HeardBytes['is'][] = []
  for (const request of firstAsks) {
    const { is } = await line.read(unit, request)
    heard.push(is)
    if (is === 'nothing') continue
    for (let again = 0; again < ASKED_AGAIN; again++) heard.push((await line.read(unit, request)).is)
    break
  }
  return heard
}

/** The profiles that fit what the unit says, the best proven first. */
export async function identify(
  line: ScanLine,
  unit: number,
  profiles: readonly Profile[],
  clock: Clock,
): Promise<readonly Match[]> {
  const answers = new Map<string, Uint8Array | undefined>()
  const ask = async (request: ReadRequest): Promise<Uint8Array | undefined> => {
    const key = `${request.function} ${request.address} ${request.count}`
    if (!answers.has(key)) {
      const heard = await line.read(unit, request)
      answers.set(key, heard.is === 'data' || heard.is === 'several' ? heard.data : undefined)
    }
    return answers.get(key)
  }
  const matches: Match[] = []
  for (const profile of profiles) {
    if (readParts(profile).length === 0) continue
    const match = await matchProfile(profile, ask, instant(clock.now()))
    if (match) matches.push(match)
  }
  return matches.sort((a, b) => b.bits - a.bits)
}
