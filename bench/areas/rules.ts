import type { Area } from '../area.ts'
import { atLeast, atMost } from '../rows.ts'
import { backtestDay } from '../rules/backtest-day.ts'
import { evaluations } from '../rules/evaluations.ts'
import { why } from '../rules/why.ts'
import { instances } from '../rules/instances.ts'

/** 研判: what judging readings costs. */
const rules: Area = {
  goals: {
    'evaluations-per-s': atLeast(150_000, 'evaluations/s'),
    'bytes-per-instance': atMost(2048, 'bytes'),
    'backtest-day': atMost(60_000, 'ms'),
    'why-ms': atMost(1000, 'ms'),
  },
  measurements: [instances, evaluations, backtestDay, why],
}
export default rules
