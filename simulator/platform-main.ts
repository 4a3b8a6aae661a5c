import { text } from 'node:stream/consumers'
import { codeOf, messageOf } from '../base/errors.ts'
import { caseLine } from './case-line.ts'
import { startPlatform, type Platform } from './platform.ts'
import type { FromPlatform, ProcessOptions, ToPlatform } from './platform/messages.ts'
import type { Fact } from './platform/received.ts'

/** The case platform as a process of its own: options as JSON, faults and questions as messages of its parent. */

if (import.meta.main) await main()

async function main(): Promise<void> {
  const { facts = 'none', timeZone, ...options } = await readOptions()
  try {
    const platform = await startPlatform({
      ...options,
      stamp: hostTicks,
      onEvent: (fact) => {
        if (facts === 'send') say({ is: 'fact', fact })
        if (facts === 'print') print(fact, timeZone)
      },
    })
    serve(platform)
    say({ is: 'listening', port: platform.port, url: platform.url })
  } catch (error) {
    say({ is: 'failed', code: codeOf(error), message: messageOf(error) })
    process.stderr.write(`${messageOf(error)}\n`)
    process.exitCode = 1
    if (process.connected) process.disconnect()
  }
}

async function readOptions(): Promise<ProcessOptions> {
  // Written by the process that starts this one; the values are used as they are.
  return JSON.parse(process.env['GANGLION_PLATFORM'] ?? (await text(process.stdin))) as ProcessOptions
}

function serve(platform: Platform): void {
  let isStopping = false
  const stop = (): void => {
    if (isStopping) return
    isStopping = true
    void platform.stop().then(() => {
      if (process.connected) process.disconnect()
    })
  }
  process.on('message', (message: ToPlatform) => {
    switch (message.is) {
      case 'fault':
        void platform.setFault(message.fault ?? undefined).then(
          () => say({ is: 'fault-set', fault: message.fault }),
          (error: unknown) => say({ is: 'failed', code: codeOf(error), message: messageOf(error) }),
        )
        return
      case 'ask':
        answerTo(platform, message)
        return
      case 'stop':
        stop()
    }
  })
  process.on('disconnect', stop)
  process.once('SIGTERM', stop)
  // A parent in the same terminal gets Ctrl-C too, and says when to stop; alone, this process stops by itself.
  process.on('SIGINT', () => {
    if (!process.connected) stop()
  })
}

function answerTo(platform: Platform, { id, what }: Extract<ToPlatform, { is: 'ask' }>): void {
  switch (what) {
    case 'counters':
      say({ is: 'answer', id, what, value: platform.counters() })
      return
    case 'received':
      say({ is: 'answer', id, what, value: platform.received() })
      return
    case 'cases':
      say({ is: 'answer', id, what, value: platform.cases() })
  }
}

function print(fact: Fact, timeZone: string | undefined): void {
  if (fact.is === 'arrival') process.stdout.write(`${caseLine(fact, timeZone)}\n`)
}

function say(message: FromPlatform): void {
  if (process.connected) process.send?.(message)
}

/**
 * Milliseconds of the machine's own monotonic clock: it is the same in every process of it, so that the bench can
 * subtract the moment of a sensor's message. The clock of base/ counts from the start of its process.
 */
function hostTicks(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
