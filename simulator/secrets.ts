import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pause, type Clock, type Duration } from '../base/clock.ts'
import { GanglionError } from '../base/errors.ts'

export interface SecretPlace {
  readonly dataFolder: string
  readonly clock: Clock
  readonly signal: AbortSignal
}

const LOOK_AGAIN_MS = 100
const WAIT_MS: Duration = 20_000

/** The reference of the secret that the gateway makes for a wire account. */
export const accountSecret = (account: string): string => `file:secrets/${account}`

/**
 * The secret behind `file:PATH` (relative to the data folder) or `env:NAME`. The gateway's first start makes
 * the files: they are waited for.
 * @throws GanglionError `secret-missing`.
 */
export async function readSecret(
  reference: string,
  { dataFolder, clock, signal }: SecretPlace,
): Promise<string> {
  const [, kind, name = ''] = /^(env|file):(.+)$/.exec(reference) ?? []
  const until = clock.ticks() + WAIT_MS
  for (;;) {
    const found =
      kind === 'env' ? process.env[name] : kind === 'file' ? readText(resolve(dataFolder, name)) : undefined
    const secret = found?.trim()
    if (secret) return secret
    if (kind !== 'file' || clock.ticks() >= until) {
      throw new GanglionError('secret-missing', `wanted a secret at ${reference}; nothing is there`, {
        hint: 'The gateway makes the files when it first starts on this data folder.',
      })
    }
    await pause(clock, LOOK_AGAIN_MS, signal)
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // Not there yet, or not readable: the caller waits and says so in the end.
    return undefined
  }
}
