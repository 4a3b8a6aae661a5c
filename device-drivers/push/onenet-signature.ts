import { hash } from 'node:crypto'
import { unreadable } from './body.ts'
import { ok, refused, type PushHead, type PushRequest, type Verdict } from './form.ts'
import { isSameText } from './same-text.ts'

/** 中国移动 OneNET, old and new: base64(MD5(token + nonce + msg)), for the check of the address and for each push. */
export interface OnenetSigned {
  readonly nonce: unknown
  /** As it was sent. */
  readonly msg: string | undefined
  readonly signature: unknown
}

/** Always so long: a nonce of another length could take letters from the message beside it. */
const NONCE_BYTES = 8
/** It is sent back as it came. */
const LONGEST_CHECK = 256

export function onenetVerdict(token: string, { nonce, msg, signature }: OnenetSigned): Verdict {
  if (typeof nonce !== 'string' || Buffer.byteLength(nonce) !== NONCE_BYTES)
    return refused('wanted a nonce of 8 bytes')
  if (msg === undefined || typeof signature !== 'string') return refused('wanted a message and its signature')
  const wanted = hash('md5', Buffer.from(`${token}${nonce}${msg}`, 'utf8'), 'base64')
  return isSameText(signature, wanted) ? ok : refused('wrong signature')
}

/** The address is checked by GET url?msg=…&nonce=…&signature=…, and wants the bare msg back. */
export function onenetCheck({ query }: PushHead): OnenetSigned {
  const asked = new URLSearchParams(query)
  return {
    nonce: asked.get('nonce'),
    msg: asked.get('msg')?.slice(0, LONGEST_CHECK),
    // A + that was not escaped arrives as a space.
    signature: asked.get('signature')?.replaceAll(' ', '+'),
  }
}

/** What the check is answered with. @throws GanglionError `payload-invalid` */
export function onenetEcho(request: PushRequest): { readonly is: 'handshake'; readonly text: string } {
  const { msg } = onenetCheck(request)
  if (msg === undefined) throw unreadable('wanted msg in the query')
  return { is: 'handshake', text: msg }
}
