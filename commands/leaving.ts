import type { Door } from '../gateway/door-entry.ts'

const ways = {
  'wired-button': 'a button that is wired to the lock',
  handle: 'a handle on the inside',
} as const satisfies Record<Door['leaving'], string>

const locks = {
  'fail-safe': 'opens without power',
  'fail-secure': 'stays shut without power',
} as const satisfies Record<Door['lock'], string>

/** What the site states of a door; only somebody who stands there can see that it is so. */
export const leavingText = ({ leaving, lock }: Door): string =>
  `people get out without the box by ${ways[leaving]}, and the lock ${locks[lock]}: so the site says; try it with the box switched off`
