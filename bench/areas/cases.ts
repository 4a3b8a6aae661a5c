import type { Area } from '../area.ts'
import { telemetry } from '../cases/telemetry.ts'
import { atMost } from '../rows.ts'

/** 案件与平台: what is kept on the box, and how it leaves. */
const cases: Area = {
  goals: {
    'telemetry-bytes-per-row': atMost(8, 'bytes'),
    'telemetry-query-p50': atMost(10, 'ms'),
  },
  measurements: [telemetry],
}
export default cases
