import { decodeProtectedHeader, errors, jwtVerify, type JWTPayload } from 'jose'
import { instant, type Duration, type Instant } from '../../base/clock.ts'
import type { Issuer } from './issuer.ts'
import type { Refusal } from './refusal.ts'

/** Clocks of the box and of the issuer may be so far apart. */
export const TOKEN_TOLERANCE_MS = 30_000
/** 30 s to 2 min are usual; what lives longer can be photographed and passed on. */
const LONGEST_LIFE_S = 15 * 60
/** A QR code that a cheap reader reads at night has fewer. */
export const LONGEST_CODE = 512

/** A code that holds; whether it was used or revoked is not its own to say. */
export interface QrToken {
  /** "jti" */
  readonly id: string
  /** "sub" */
  readonly subject: string
  readonly expiresAt: Instant
}

export type ReadToken =
  { readonly is: 'holds'; readonly token: QrToken } | { readonly is: 'refused'; readonly why: Refusal }

const wanted = ['sub', 'jti', 'nbf', 'exp', 'aud'] as const
const name = /^[A-Za-z0-9._-]{1,64}$/

/** Reads a QR code: a JWT (RFC 7519) signed with EdDSA or ES256 for this door. Nothing of it is ever repeated. */
export async function readToken(
  text: string,
  {
    issuers,
    audience,
    now,
  }: { readonly issuers: readonly Issuer[]; readonly audience: string; readonly now: Instant },
): Promise<ReadToken> {
  if (text.length > LONGEST_CODE) return refused('unreadable')
  try {
    const { kid } = decodeProtectedHeader(text)
    const issuer = issuers.find((one) => one.kid === kid)
    if (!issuer) return refused('wrong-signature')
    const { payload } = await jwtVerify(text, issuer.key, {
      algorithms: [issuer.algorithm],
      audience,
      requiredClaims: [...wanted],
      clockTolerance: TOKEN_TOLERANCE_MS / 1000,
      currentDate: new Date(now),
    })
    return held(payload)
  } catch (error) {
    return refused(whyOf(error))
  }
}

function held({ sub = '', jti = '', nbf = 0, exp = 0 }: JWTPayload): ReadToken {
  if (!name.test(sub) || !name.test(jti)) return refused('unreadable')
  const lifeS: Duration = exp - nbf
  if (!(lifeS > 0 && lifeS <= LONGEST_LIFE_S)) return refused('unreadable')
  return { is: 'holds', token: { id: jti, subject: sub, expiresAt: instant(exp * 1000) } }
}

function whyOf(error: unknown): Refusal {
  if (error instanceof errors.JWTExpired) return 'expired'
  if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JOSEAlgNotAllowed)
    return 'wrong-signature'
  if (error instanceof errors.JWTClaimValidationFailed && error.reason === 'check_failed') {
    if (error.claim === 'nbf') return 'not-yet'
    if (error.claim === 'aud') return 'wrong-door'
  }
  return 'unreadable'
}

const refused = (why: Refusal): ReadToken => ({ is: 'refused', why })
