import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Type } from 'typebox'
import type { Instant } from '../../base/clock.ts'
import { loadBox, type Box } from '../../gateway/config.ts'
import { toReadings } from '../../gateway/profile.ts'
import type { Reading } from '../../gateway/reading.ts'
import { ruleKindsIn } from '../../gateway/rule-kinds.ts'

const root = join(import.meta.dirname, '../..')

/** Rules of one device model, and how many models a fleet has: 20 × 50 are a thousand rules. */
export const RULES_A_MODEL = 50
const MODELS = 20

const bilingual = (text: string): string => `{ zh: ${text}, en: ${text} }`

/** Every rule has a CEL condition: half of them over one number, a third over two, the rest under a `while`. */
function ruleText(model: number, index: number): string {
  const limit = 60 + index / 2
  const [first, second] = [`temperature >= ${limit} °C`, `power >= ${900 + index} W`]
  const when =
    index % 10 < 5
      ? `when: '${first}', clear: 'temperature < ${limit - 5} °C', for: 60 s`
      : index % 10 < 8
        ? `when: '${second} && voltage < 250 V', for: 60 s`
        : `when: '${second}', for: 60 s`
  const before = index % 10 < 8 ? '' : "while: 'voltage > 100 V', "
  return `  r${model}-${index}: { version: 1, kind: threshold, class: port-load, profiles: [model-${model}], ${before}source: bench, settings: { ${when} }, title: ${bilingual('r')}, why: ${bilingual('r')} }\n`
}

/** A box folder with a thousand rules in five packs and this many devices, a hundred a site. */
export function loadFleet(folder: string, devices: number): Promise<Box> {
  const models = Array.from({ length: MODELS }, (_, model) => model)
  const packs = [0, 4, 8, 12, 16].map((first) => ({
    name: `pack-${first}`,
    models: models.slice(first, first + 4),
  }))
  const write = (name: string, text: string): void => {
    mkdirSync(join(folder, name, '..'), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  for (const model of models) {
    write(
      `profiles/model-${model}.yaml`,
      `{ vendor: bench, model: '${model}', name: ${bilingual('m')}, codec: json, reportsEvery: 1 min, points: { temperature: { from: t }, power: { from: p }, voltage: { from: u } }, examples: [] }\n`,
    )
  }
  for (const pack of packs) {
    const rules = pack.models.flatMap((model) =>
      Array.from({ length: RULES_A_MODEL }, (_, index) => ruleText(model, index)),
    )
    write(`packs/${pack.name}.yaml`, `name: ${bilingual('p')}\nrules:\n${rules.join('')}`)
  }
  const names = packs.map(({ name }) => name).join(', ')
  write(
    'box/box.yaml',
    `id: bench\nname: ${bilingual('b')}\nlisten: { api: '127.0.0.1:0' }\ncatalogue: demo\npacks: [${names}]\nconnectors: []\n`,
  )
  const all = Array.from({ length: devices }, (_, index) => index)
  for (let first = 0; first < devices; first += 100) {
    const lines = all
      .slice(first, first + 100)
      .map((index) => `  - { id: d${index}, profile: model-${index % MODELS}, via: { none: {} } }\n`)
    write(
      `box/site-${first / 100}.yaml`,
      `name: ${bilingual('s')}\nkind: other\naddress: a\ngridCode: '99010100100101'\nposition: { lng: 1, lat: 2, crs: WGS84 }\ndevices:\n${lines.join('')}`,
    )
  }
  return loadBox(join(folder, 'box'), {
    profiles: join(folder, 'profiles'),
    packs: join(folder, 'packs'),
    catalogues: join(root, 'rules/catalogue'),
    kinds: ruleKindsIn(join(root, 'rules/kinds')),
    transports: new Map([['none', { address: Type.Object({}, { additionalProperties: false }) }]]),
    connectors: new Map(),
    codecs: new Set(),
    pushForms: new Map(),
  })
}

/** What a device says at a time: it wavers below its limits, and is hot and loaded in two messages of `alarmEvery`, one after the other. */
export function sayingOf(
  box: Box,
  deviceId: string,
  turn: number,
  at: Instant,
  alarmEvery: number,
): Reading[] {
  const device = box.devices.get(deviceId)
  if (!device) throw new Error(`no device ${deviceId}`)
  const isAlarm = turn % alarmEvery >= alarmEvery - 2
  return toReadings(
    device.profile,
    { t: isAlarm ? 120 : 20 + (turn % 7), p: isAlarm ? 1500 : 300 + (turn % 11), u: 220 + (turn % 3) },
    at,
  )
}
