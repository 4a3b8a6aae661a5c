import { createPublicKey, type KeyObject } from 'node:crypto'
import { Type, type Static } from 'typebox'
import { messageOf } from '../../base/errors.ts'

const closed = { additionalProperties: false } as const
const Coordinate = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' })

/** 签发者: whose QR codes open doors of this box. Public keys as JWK (RFC 7517); a private one is refused. */
export const DoorAccess = Type.Object(
  {
    issuers: Type.Array(
      Type.Object(
        {
          kid: Type.String({
            pattern: '^[A-Za-z0-9._-]{1,64}$',
            description: 'stands in the header of each code',
          }),
          key: Type.Union([
            Type.Object(
              { kty: Type.Literal('OKP'), crv: Type.Literal('Ed25519'), x: Coordinate },
              { ...closed, description: 'codes signed with EdDSA' },
            ),
            Type.Object(
              { kty: Type.Literal('EC'), crv: Type.Literal('P-256'), x: Coordinate, y: Coordinate },
              { ...closed, description: 'codes signed with ES256' },
            ),
          ]),
        },
        closed,
      ),
      { minItems: 1, maxItems: 10 },
    ),
  },
  closed,
)
export type DoorAccess = Static<typeof DoorAccess>

export interface Issuer {
  readonly kid: string
  /** Pinned by the key, so that a code cannot choose how it is checked. */
  readonly algorithm: 'EdDSA' | 'ES256'
  readonly key: KeyObject
}

export const toIssuers = (access: DoorAccess | undefined): readonly Issuer[] =>
  (access?.issuers ?? []).map(({ kid, key }) => ({
    kid,
    algorithm: key.kty === 'OKP' ? 'EdDSA' : 'ES256',
    key: createPublicKey({ key, format: 'jwk' }),
  }))

/** What is wrong with the issuers of a box beyond their schema, by path. */
export function issuerComplaints(
  access: DoorAccess | undefined,
): readonly { readonly path: string; readonly text: string }[] {
  const issuers = access?.issuers ?? []
  return issuers.flatMap(({ kid, key }, index) => {
    const path = `/doorAccess/issuers/${index}`
    if (issuers.findIndex((other) => other.kid === kid) < index)
      return [{ path: `${path}/kid`, text: `another issuer has the kid "${kid}" already` }]
    try {
      createPublicKey({ key, format: 'jwk' })
      return []
    } catch (error) {
      return [{ path: `${path}/key`, text: `no point of this curve (${messageOf(error)})` }]
    }
  })
}
