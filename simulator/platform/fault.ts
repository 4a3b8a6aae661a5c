/** How the platform can misbehave, by name. */
export const platformFaults = [
  /** The port is closed. */
  'refused',
  /** 503 without Retry-After. */
  'unavailable',
  /** 503 with Retry-After. */
  'retry-after',
  /** Requests are taken and never answered. */
  'hanging',
  /** Everything is done, and answered late. */
  'slow',
  /** Every case is refused for good. */
  'refuse-cases',
  /** 200 with something outside the contract; nothing is done. */
  'nonsense',
  /** Everything is done, and the connection is cut before the answer. */
  'lost-answer',
  'stages-out-of-order',
  'stages-twice',
] as const

export type PlatformFault = (typeof platformFaults)[number]
