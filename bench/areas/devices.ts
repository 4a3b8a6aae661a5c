import type { Area } from '../area.ts'
import { decode, decodeRows } from '../devices/decode.ts'
import { falseMissing } from '../devices/false-missing.ts'
import { rtuLine } from '../devices/rtu-line.ts'
import { atLeast, atMost, type Goal } from '../rows.ts'

/** Far above what one box hears: what it costs to understand a message is never what limits it. */
const DECODED_PER_S = 20_000

/** 设备: what it costs to understand devices, how well a serial line is used, and who is called missing by chance. */
const devices: Area = {
  goals: {
    ...Object.fromEntries(
      decodeRows.map((row): [string, Goal] => [row, atLeast(DECODED_PER_S, 'messages/s')]),
    ),
    'rtu-line-use': atLeast(85, '%'),
    'rtu-dead-unit': atMost(10, '%'),
    'false-missing': atMost(1, 'alarms'),
  },
  measurements: [decode, rtuLine, falseMissing],
}
export default devices
