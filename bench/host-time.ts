/**
 * Milliseconds of the machine's monotonic clock, the same in every process of it: the moment of a sensor's message in
 * one process is subtracted from the platform's answer in another. `performance.now` runs at the same pace and is
 * cheaper to read, so only the distance of the two is taken once.
 */
const distance = Number(process.hrtime.bigint()) / 1e6 - performance.now()

export const hostMs = (): number => performance.now() + distance
