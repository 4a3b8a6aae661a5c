import { createSecretKey } from 'node:crypto'
import { instant } from '../../base/clock.ts'
import { contentDigestHolds } from '../../wire/content-digest.ts'
import { isAuthorized, parseOffer, type Challenge } from '../../wire/digest.ts'
import { verifyRequest } from '../../wire/http-signature.ts'
import { parseUploadHeaders } from '../../wire/resumable-upload.ts'
import { readVideo } from '../../wire/sdp.ts'
import { parseDictionary, parseItem } from '../../wire/structured-fields.ts'
import { dataOfPrinted, decodeWiegand } from '../../wire/wiegand.ts'
import { plainBytes } from './looks.ts'
import { nearlyText } from './mutate.ts'
import type { Target } from './target.ts'

const key = createSecretKey(Buffer.alloc(32, 1))
const challenge: Challenge = {
  realm: 'r',
  nonce: 'n',
  algorithm: 'MD5',
  qop: 'auth',
  opaque: undefined,
  stale: false,
  namesAlgorithm: false,
}

const descriptions = [
  'v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0IA,aM4=\r\na=control:track1\r\n',
  'v=0\nm=audio 0 RTP/AVP 8\nm=video 0 RTP/AVP 97\na=rtpmap:97 HEVC/90000\na=fmtp:97 sprop-vps=QAE=;sprop-sps=QgE=;sprop-pps=RAE=\n',
]
const videoWords = ['\r\n', 'm=video', ' 0 RTP/AVP 96', 'a=', 'rtpmap:96 ', 'H264/90000', 'fmtp:96 ', 'sprop-sps=', 'Z0IA,', ';', 'control:', 'x'] // prettier-ignore
const offers = [
  'Digest realm="a", nonce="b", algorithm=SHA-256, qop="auth,auth-int", opaque="c"',
  'Basic realm="x", Digest nonce="b\\"c", realm=plain, stale=TRUE',
]
const offerWords = ['Digest ', 'Basic', ' ', ',', '=', '"', '\\', 'realm', 'nonce', 'qop="auth"', '\u00e9', 'a="'] // prettier-ignore
const dictionaries = [
  'sig1=("@method" "@path" "content-digest");created=1700000000;nonce="n";keyid="k";alg="hmac-sha256"',
  'a=1, b;x=?1, c=("a" "b");y=:YWJj:, d=token',
]
const fieldWords = ['sig1', '=', '(', ')', '"', '@method', ';', ',', ' ', ':', '?1', '-', '0', 'a', '\\"', '.5'] // prettier-ignore

/** What stands in headers and descriptions. */
export const textTargets: readonly Target[] = [
  textTarget('sdp', descriptions, videoWords, readVideo),
  textTarget('digest-offer', offers, offerWords, (text) => parseOffer([text])),
  textTarget(
    'digest-answer',
    ['Digest username="a", realm="r", nonce="n", uri="/", response="00", nc=00000001, cnonce="c", qop=auth'],
    offerWords,
    (text) => isAuthorized(text, challenge, { user: 'a', password: 'b' }, { method: 'GET', uri: '/' }),
  ),
  textTarget('structured-dictionary', dictionaries, fieldWords, parseDictionary),
  textTarget('structured-item', ['"gw-001:01J9"', '?1', '100', ':YWJj:', 'token/x'], fieldWords, parseItem),
  textTarget('http-signature', dictionaries, fieldWords, (text) =>
    verifyRequest(
      {
        method: 'POST',
        authority: 'a',
        path: '/',
        fields: { 'signature-input': text, signature: 'sig1=:AAAA:' },
      },
      { keyFor: () => key, now: instant(1_700_000_000_000), requires: ['@method'] },
    ),
  ),
  textTarget(
    'content-digest',
    ['sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:', 'sha-512=:AA==:'],
    fieldWords,
    (text) => contentDigestHolds(text, new Uint8Array(0)),
  ),
  textTarget('upload-headers', ['0', '100', '?1', '?0'], fieldWords, (text) =>
    parseUploadHeaders({ 'upload-offset': text, 'upload-complete': text, 'upload-length': text }),
  ),
  textTarget('wiegand', ['01100111000100110101000000', '212,07041'], ['0', '1', ',', '26', ' '], (text) => {
    decodeWiegand(text)
    decodeWiegand(text, 'last-bit-first')
    dataOfPrinted(text)
  }),
]

/** The text is made of the bytes before anything is counted. */
function textTarget(
  name: string,
  valid: readonly string[],
  words: readonly string[],
  read: (text: string) => unknown,
): Target {
  return {
    name,
    kind: 'payload',
    make: (random) => ({ bytes: Buffer.from(nearlyText(random, valid, words), 'utf8'), form: 0 }),
    open: () => ({ push: (bytes) => void read(textOf(bytes)) }),
  }
}

const textOf = (bytes: Uint8Array): string => Buffer.from(plainBytes(bytes)).toString('utf8')
