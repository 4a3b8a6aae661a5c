import type { Area } from '../area.ts'
import { cases } from '../path/cases.ts'
import { fsync } from '../path/fsync.ts'
import { kill } from '../path/kill.ts'
import { modbusCpu, modbusDead } from '../path/modbus.ts'
import { outage } from '../path/outage.ts'
import { quiet } from '../path/quiet.ts'
import { readings } from '../path/readings.ts'
import { reannounce } from '../path/reannounce.ts'
import { slowDisk } from '../path/slow-disk.ts'
import { smoke } from '../path/smoke.ts'
import { start } from '../path/start.ts'
import { atLeast, atMost } from '../rows.ts'

/** 主路: from a sensor's message to the platform's answer. */
const path: Area = {
  goals: {
    'smoke-p50': atMost(3, 'ms'),
    'smoke-p99': atMost(15, 'ms'),
    'smoke-p50-vs-bare': atMost(2, '×'),
    'smoke-p99-vs-bare': atMost(2, '×'),
    'ack-p50': atMost(1, 'ms'),
    'ack-p99': atMost(5, 'ms'),
    'smoke-p99-slow-disk': atMost(100, 'ms'),
    'loop-delay-p99-slow-disk': atMost(10, 'ms'),
    'reannounce-lost': atMost(0, 'messages'),
    'reannounce-smoke': atMost(1000, 'ms'),
    'cases-per-s': atLeast(3000, 'revisions/s'),
    'readings-p99': atMost(25, 'ms'),
    'modbus-cpu': atMost(100, '%'),
    'modbus-dead-unit': atMost(10, '%'),
    'start-to-ack': atMost(1500, 'ms'),
    'rss-idle': atMost(170, 'MB'),
    'rss-load': atMost(250, 'MB'),
    'outage-lost': atMost(0, 'revisions'),
    'outage-doubled': atMost(0, 'revisions'),
    'outage-drain': atMost(5000, 'ms'),
    'outage-smoke': atMost(2500, 'ms'),
    'kill-lost': atMost(0, 'revisions'),
    'kill-doubled': atMost(0, 'revisions'),
    'fsync-before-ack': atLeast(100, '%'),
    'false-cases-quiet': atMost(0, 'cases'),
  },
  measurements: [
    smoke,
    slowDisk,
    cases,
    readings,
    modbusCpu,
    start,
    reannounce,
    modbusDead,
    outage,
    kill,
    fsync,
    quiet,
  ],
}
export default path
