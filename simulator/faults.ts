/** What a fault can be put on. */
export type FaultTarget = 'mqtt' | 'modbus' | 'tcp' | 'camera' | 'platform'

/**
 * Who makes it: `wire` a TCP proxy in between, `device` the simulated device, `camera` and `platform` their
 * own processes, `all` the whole box at once.
 */
export type FaultMaker = 'wire' | 'device' | 'camera' | 'platform' | 'all'

interface Fault {
  readonly text: string
  /** Who makes it on which target; a target that is missing cannot have it. */
  readonly on: Readonly<Partial<Record<FaultTarget, FaultMaker>>>
}

const everyWire = { mqtt: 'wire', modbus: 'wire', tcp: 'wire', camera: 'wire', platform: 'wire' } as const
const mqtt = { mqtt: 'device' } as const
const modbus = { modbus: 'device' } as const
const tcp = { tcp: 'device' } as const
const camera = { camera: 'camera' } as const
const platform = { platform: 'platform' } as const

/** Everything that can go wrong by name. A scenario may use each of them on each target it stands for. */
export const faults = {
  refuse: { on: everyWire, text: 'the port is closed: connections are refused, open ones end' },
  reset: { on: { ...everyWire, ...camera }, text: 'connections are reset as soon as bytes flow' },
  stall: { on: { ...everyWire, ...camera }, text: 'the connection stays open and nothing comes any more' },
  delay: { on: everyWire, text: 'every byte comes 800 ms late' },
  trickle: { on: everyWire, text: 'bytes come one at a time, 5 ms apart' },
  cut: { on: everyWire, text: 'the connection ends in the middle of a message' },
  garbage: { on: { ...everyWire, ...camera }, text: 'random bytes come before the real ones' },
  duplicate: { on: everyWire, text: 'every piece of bytes comes twice' },

  'malformed-json': { on: mqtt, text: 'beside its states it sends JSON that breaks off' },
  'wrong-types': { on: mqtt, text: 'beside its states it sends values of wrong types' },
  'non-utf8': { on: mqtt, text: 'beside its states it sends bytes that are no UTF-8' },
  oversized: { on: mqtt, text: 'beside its states it sends more than 64 KiB in one message' },
  empty: { on: mqtt, text: 'beside its states it sends empty messages' },
  'foreign-topic': { on: mqtt, text: "it publishes alarms on another device's topic" },

  'modbus-exception': { on: modbus, text: 'every request is answered with exception 4' },
  'modbus-short': { on: modbus, text: 'replies carry fewer registers than asked' },
  'modbus-late': { on: modbus, text: 'replies come after 4 s' },
  'modbus-refused': { on: modbus, text: 'the port that serves the unit is closed' },
  'modbus-dead': { on: modbus, text: 'the unit does not answer; others on the same port do' },

  'tcp-bad-length': { on: tcp, text: 'each frame follows one whose length is wrong' },
  'tcp-bad-sum': { on: tcp, text: 'each frame follows one whose sum is wrong' },
  'tcp-noise': { on: tcp, text: 'each frame follows random bytes' },
  'tcp-trickle': { on: tcp, text: 'frames come one byte at a time' },

  'device-silent': {
    on: { mqtt: 'device', modbus: 'device', tcp: 'device' },
    text: 'the device says nothing; its connection stays',
  },
  reannounce: {
    on: { mqtt: 'all', tcp: 'all', modbus: 'all' },
    text: 'power comes back: every device connects anew and says its whole state at once',
  },

  'auth-refused': { on: camera, text: 'the camera refuses the password' },
  'sha256-only': { on: camera, text: 'the camera offers Digest with SHA-256 only' },
  'not-found': { on: camera, text: 'the camera has no such stream' },
  full: { on: camera, text: 'the camera has no free session' },

  refused: { on: platform, text: 'the platform refuses connections' },
  unavailable: { on: platform, text: 'the platform answers 503' },
  'retry-after': { on: platform, text: 'the platform answers 503 with Retry-After' },
  hanging: { on: platform, text: 'the platform takes requests and never answers' },
  slow: { on: platform, text: 'the platform answers slowly' },
  'refuse-cases': { on: platform, text: 'the platform refuses cases for good' },
  nonsense: { on: platform, text: 'the platform answers outside the contract' },
  'lost-answer': { on: platform, text: 'the platform takes a case and its answer is lost' },
  'stages-out-of-order': { on: platform, text: 'stages come in a mixed order' },
  'stages-twice': { on: platform, text: 'stages come twice' },
} as const satisfies Record<string, Fault>

export type FaultName = keyof typeof faults

export const faultNames = Object.keys(faults) as readonly FaultName[] // keys of a const table

/** Who makes this fault on this target; nothing when it makes no sense there. */
export function makerOf(name: FaultName, target: FaultTarget): FaultMaker | undefined {
  const on: Fault['on'] = faults[name].on
  return on[target]
}
