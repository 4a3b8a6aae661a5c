import { stringify } from 'yaml'
import type { Stranger } from '../../gateway/ports.ts'
import type { Guess } from './known-models.ts'

/** An entry for a site file, to be read over by a person: comments say what it rests on. */
export function proposal(
  stranger: Stranger,
  guess: Guess | undefined,
  { count, lastAt }: { readonly count: number; readonly lastAt: string },
): readonly string[] {
  const what = [stranger.vendor, stranger.model].filter((text) => text !== undefined).join(' ')
  const entry = {
    id: idOf(stranger.address),
    profile: guess?.profile ?? 'WRITE-ITS-PROFILE',
    ...(guess?.variant !== undefined && { variant: guess.variant }),
    via: viaOf(stranger),
  }
  const [body = ''] = stringify([entry], {
    collectionStyle: 'flow',
    flowCollectionPadding: true,
    lineWidth: 0,
  })
    .trim()
    .replace(/^\[\s*/, '')
    .replace(/\s*\]$/, '')
    .split('\n')
  return [
    `  # ${what === '' ? '' : `${what}; `}heard ${count} ${count === 1 ? 'time' : 'times'}, last ${lastAt}`,
    `  # ${guess ? `profile by: ${guess.because}` : 'no profile fits; docs/devices/profiles.md says how to write one'}`,
    ...(guess?.variant === undefined
      ? []
      : ['  # several firmwares fit: read the variants before you choose']),
    `  - ${body}`,
  ]
}

function viaOf({ account, address, transport }: Stranger): object {
  if (transport === 'http-push') return { 'http-push': { push: account ?? 'NAME', device: address } }
  // An account that knocked at the broker in the box speaks for itself.
  return { [transport]: account === undefined ? {} : { account, address } }
}

const idOf = (address: string): string =>
  address
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63) || 'device-1'
