import { isUtf8 } from 'node:buffer'
import { Type, type Static } from 'typebox'
import type { Fields } from '../../gateway/ports.ts'
import { SecretRef } from '../../gateway/words.ts'
import { readBody, unreadable } from './body.ts'
import { ok, refused, type OpenForm, type PushForm, type PushRequest, type PushSaid } from './form.ts'
import { onenetCheck, onenetEcho, onenetVerdict, type OnenetSigned } from './onenet-signature.ts'

const settings = Type.Object(
  {
    token: SecretRef,
    key: Type.Optional(SecretRef),
  },
  { additionalProperties: false },
)

/** What each of the two suites of OneNET does in its own way. */
export interface OnenetSuite<Signed extends OnenetSigned & { readonly msg: string }> {
  readonly name: string
  /** What a body without what is signed is told. */
  readonly wanted: string
  /** @throws GanglionError `config-invalid` */
  aesKey(reference: string, text: string): Buffer
  /** What of a push is signed; undefined when it is not there. */
  signedIn(push: Fields, body: Buffer, isEncrypted: boolean): Signed | undefined
  /** Undefined, or thrown by the cipher, for what was not encrypted with this key. */
  decipher(bytes: Buffer, key: Buffer): Buffer | undefined
  /** @throws GanglionError `payload-invalid` */
  said(text: string, signed: Signed | undefined): readonly PushSaid[]
}

/** 中国移动 OneNET: the address is checked by GET, a push is signed over its message, and a key means encrypted ones. */
export function onenetForm<Signed extends OnenetSigned & { readonly msg: string }>(
  suite: OnenetSuite<Signed>,
): PushForm {
  /** Undefined also for what is no JSON: then nothing says who sent it. */
  const signedOf = ({ body }: PushRequest, isEncrypted: boolean): Signed | undefined => {
    let push: Fields
    try {
      push = readBody(body)
    } catch {
      return undefined
    }
    return suite.signedIn(push, body, isEncrypted)
  }

  const decrypted = (text: string, key: Buffer): string => {
    try {
      const plain = suite.decipher(Buffer.from(text, 'base64'), key)
      if (plain && isUtf8(plain)) return plain.toString('utf8')
    } catch {
      // told below: what a cipher complains of says nothing to a reader
    }
    throw unreadable('wanted a message encrypted with the key of this push')
  }

  return {
    name: suite.name,
    settings,
    methods: ['GET', 'POST'],
    hasSecretPath: false,
    // A push that is not answered within 5 s comes again for 2 h 45 min.
    repeatsFor: 4 * 3_600_000,
    onUnreadable: 'taken',
    open(given, secret): OpenForm {
      const { token: tokenRef, key: keyRef } = given as Static<typeof settings> // checked by the schema
      const token = secret(tokenRef)
      const key = keyRef === undefined ? undefined : suite.aesKey(keyRef, secret(keyRef))
      return {
        admit: (head) => (head.method === 'GET' ? onenetVerdict(token, onenetCheck(head)) : ok),
        verify(request) {
          if (request.method === 'GET') return ok
          const signed = signedOf(request, key !== undefined)
          return signed ? onenetVerdict(token, signed) : refused(suite.wanted)
        },
        read(request) {
          if (request.method === 'GET') return onenetEcho(request)
          const signed = signedOf(request, key !== undefined)
          const { msg = '' } = signed ?? {}
          return { is: 'messages', said: suite.said(key ? decrypted(msg, key) : msg, signed) }
        },
      }
    },
  }
}
