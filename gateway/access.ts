import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  timingSafeEqual,
} from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { codeOf, GanglionError } from '../base/errors.ts'
import type { Clock } from '../base/clock.ts'
import type { Accounts } from './ports.ts'
import type { Store } from './store/store.ts'

const SECRET_BYTES = 16
/** A chain of certificates in PEM is the largest. */
const LARGEST_SECRET = 64 * 1024

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()

/** A file that only this user may read, there whole or not at all; the folder is made when it is missing. */
export function writePrivate(folder: string, name: string, text: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const part = join(folder, `${name}.part`)
  // A part file that a crash left may have another mode.
  rmSync(part, { force: true })
  const handle = openSync(part, 'wx', 0o600)
  try {
    writeFileSync(handle, text)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  renameSync(part, join(folder, name))
}

/** 128 bits at random, as 32 hex digits. */
export const newSecret = (): string => randomBytes(SECRET_BYTES).toString('hex')

/**
 * Follows `env:NAME` or `file:PATH` (relative to the data folder).
 * @throws GanglionError `secret-missing`, which names the reference and never the secret.
 */
export function readSecret(reference: string, dataFolder: string): string {
  const name = reference.slice(reference.indexOf(':') + 1)
  if (reference.startsWith('env:')) {
    const value = process.env[name]
    if (value === undefined || value === '')
      throw new GanglionError('secret-missing', `${reference}: the variable is not set`)
    return value
  }
  const file = isAbsolute(name) ? name : join(dataFolder, name)
  const stat = statSync(file, { throwIfNoEntry: false })
  const secret = stat?.isFile() && stat.size <= LARGEST_SECRET ? readText(reference, file) : ''
  if (secret === '') {
    throw new GanglionError('secret-missing', `${reference}: the file is not there, empty or no secret`, {
      hint: 'Write the secret into that file with mode 600; the path is relative to the data folder.',
    })
  }
  return secret
}

function readText(reference: string, file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new GanglionError('secret-missing', `${reference}: the file cannot be read (${codeOf(error)})`, {
      hint: 'The user that runs Ganglion must be allowed to read it.',
    })
  }
}

/** 账号: the wire accounts, kept as SHA-256 of their random secrets. */
export class WireAccounts implements Accounts {
  readonly #store: Store
  readonly #clock: Clock
  readonly #hashes = new Map<string, Buffer>()

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
    const rows = store.reader.prepare('SELECT id, secret_sha256 AS hash FROM accounts').all() as {
      id: string
      hash: string
    }[] // the columns named
    for (const { id, hash } of rows) this.#hashes.set(id, Buffer.from(hash, 'hex'))
  }

  get size(): number {
    return this.#hashes.size
  }

  verify(id: string, secret: string): boolean {
    const wanted = this.#hashes.get(id)
    // An unknown account costs the same time as a known one.
    const isEqual = timingSafeEqual(wanted ?? sha256(''), sha256(secret))
    return wanted !== undefined && isEqual
  }

  /** Makes the account, or gives it a new secret; the answer is the only time it is seen. */
  async add(id: string, kind: 'device' | 'bridge', secret = newSecret()): Promise<string> {
    const hash = sha256(secret)
    await this.#store.put(['putAccount', id, kind, hash.toString('hex'), this.#clock.now()])
    this.#hashes.set(id, hash)
    return secret
  }
}

/** The box's Ed25519 key, made at the first start: `keys/box.pem` (mode 600) and `keys/box.public.pem`. */
export function boxKey(dataFolder: string): {
  readonly sign: (text: Uint8Array) => Uint8Array
  readonly publicKey: KeyObject
} {
  const folder = join(dataFolder, 'keys')
  const file = join(folder, 'box.pem')
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('ed25519')
    writePrivate(folder, 'box.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }) as string) // PEM is text
  }
  const key = createPrivateKey(readFileSync(file))
  const publicKey = createPublicKey(key)
  if (!existsSync(join(folder, 'box.public.pem'))) {
    writePrivate(folder, 'box.public.pem', publicKey.export({ type: 'spki', format: 'pem' }) as string) // PEM is text
  }
  return { sign: (text) => sign(null, text, key), publicKey }
}

/** The API's token, made at the first start in a file of mode 600. */
export function apiToken(dataFolder: string): string {
  const file = join(dataFolder, 'token')
  const known = existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
  if (known !== '') return known
  const made = newSecret()
  writePrivate(dataFolder, 'token', `${made}\n`)
  return made
}

/** Does the header carry the token? Compared in constant time. */
export function holdsToken(authorization: string | undefined, token: string): boolean {
  const given = /^Bearer ([\x21-\x7e]{1,200})$/.exec(authorization ?? '')?.[1]
  return timingSafeEqual(sha256(given ?? ''), sha256(token)) && given !== undefined
}
